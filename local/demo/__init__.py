"""The main job of Rollcall, told from the bell to the history."""
