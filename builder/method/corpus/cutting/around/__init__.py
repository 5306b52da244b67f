"""What stands around a text and is no part of it: bylines, calls, boxes, the writers of posts."""
