"""Labels in files: projects that people work on, and other formats to read, check, write, split.

Each other format has its module: `coco`, `icdar`, `label_studio`, `lists`, `lmdb_store`, `tables`.
"""

from ocrbook.labels.export import export_detection, export_recognition, split
from ocrbook.labels.lint import Finding, lint
from ocrbook.labels.merge import Agreement, Merged, merge, merge_projects
from ocrbook.labels.ppocrlabel import Label, read_folder, write_folder
from ocrbook.labels.project import Project

__all__ = [
    "Agreement",
    "Finding",
    "Label",
    "Merged",
    "Project",
    "export_detection",
    "export_recognition",
    "lint",
    "merge",
    "merge_projects",
    "read_folder",
    "split",
    "write_folder",
]
