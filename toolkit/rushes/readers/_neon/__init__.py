"""Recordings of Pupil Labs Neon as the Companion writes them."""
