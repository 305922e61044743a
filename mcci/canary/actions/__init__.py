"""What is done with a canary: step, promote, abort, judge; and a watch that stays while a weight bakes."""
