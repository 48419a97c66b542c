"""Labels in files: reading, checking and writing the folders of PPOCRLabel."""

from ocrbook.labels.ppocrlabel import read_folder, write_folder

__all__ = ["read_folder", "write_folder"]
