"""The pages of warehouses: where tables are kept, what leaves, and what became of the runs.

They call the verbs of ``contacts.exports.warehouse`` and show what came of them. Who may not export changes nothing.
"""

from contacts.admin.warehouse.admin import ExportTargetAdmin

__all__ = ["ExportTargetAdmin"]
