"""Writes events.tfevents with TensorBoard's own classes; the unit test of `history/events.rs` writes the same bytes.

    pip install tensorboard==2.21.0
    python crates/data/tests/events.py                # writes the file
    python crates/data/tests/events.py FOLDER         # prints what TensorBoard reads in a folder of event files
"""

import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

if len(sys.argv) > 1:
    events = EventAccumulator(sys.argv[1]).Reload()
    for tag in events.Tags()["scalars"]:
        print(tag, [(scalar.step, scalar.value) for scalar in events.Scalars(tag)])
    sys.exit()

Value = Summary.Value
long = "a tag of more than 127 bytes, whose length takes two: " * 4
events = [
    Event(wall_time=1_700_000_000.25, file_version="brain.Event:2"),
    Event(
        wall_time=1_700_000_001.5,
        step=1,
        summary=Summary(value=[Value(tag="loss/train", simple_value=0.75), Value(tag="é", simple_value=-1e-3)]),
    ),
    Event(
        wall_time=1_700_000_002.0,
        step=300,
        summary=Summary(value=[Value(tag=long, simple_value=float("inf"))]),
    ),
    Event(wall_time=1_700_000_003.0, step=0, summary=Summary()),
    Event(wall_time=1_700_000_004.0, step=2, session_log=SessionLog(status=SessionLog.START)),
]
with open(Path(__file__).with_name("events.tfevents"), "wb") as file:
    writer = RecordWriter(file)
    for event in events:
        writer.write(event.SerializeToString())
    writer.flush()
