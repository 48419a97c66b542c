"""Run by .venv-label_studio: what Label Studio's own library says about a labelling interface and tasks.

Takes the two files, and prints a JSON list of the errors.
"""

import json
import sys
from pathlib import Path

from label_studio_sdk.label_interface import LabelInterface

config, tasks = (Path(name).read_text("utf-8") for name in sys.argv[1:])
interface = LabelInterface(config)
interface.validate()
errors = []
for task in json.loads(tasks):
    for outcome in (*task.get("annotations", []), *task.get("predictions", [])):
        errors += interface.validate_prediction(outcome, return_errors=True)
    for outcome in task.get("annotations", []):
        errors += [] if interface.validate_annotation(outcome) else ["not an annotation"]
print(json.dumps(errors))
