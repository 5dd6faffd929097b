"""The use cases as executable stories: whatever order its facts arrive in, a story ends the same.

A story has senders (a server, an app, a browser, a file …), each with its calls in their own sequence, and says in full
how it ends. ``arrivals`` lists the orders in which the calls of all senders can arrive, ``senders`` builds the calls,
``wire`` makes them at the public endpoints, and nowhere else, ``ending`` reads what the database has in the end.

Three things are decided by who comes first, and the stories do without them. Identified contacts are never merged by a
rule: of somebody who is known here by an email or phone alone, and there by an external ID alone, there are two
contacts and a duplicate case, unless the address is known before the ID comes with it (L4, L6, T13). So whoever names
an external ID for the first time names the address too, where others know the address only. An email is as confirmed
as the way it came first (T11), so a story ends with a confirmation or an unsubscription. And of two values that two
senders may both overwrite, the last one stands (T8).
"""
