"""Planted truth on real text: pairs whose label is known, judged by the stages of a build (`make real-check`)."""
