// The theme that was chosen in the back office holds before one is in, too.
const chosen = (localStorage.getItem("_x_adminTheme") || "").replaceAll('"', "");
if (chosen === "dark" || chosen === "light") {
    document.documentElement.dataset.theme = chosen;
}
