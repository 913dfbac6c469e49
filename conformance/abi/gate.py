"""What all gates have in common: they gather every fault before they fail, say in a line what they
looked at, and do not pass if that was nothing."""

import sys


class Gate:
    def __init__(self, name):
        self.name = name
        self.faults = []
        self.seen = []

    def fault(self, text):
        self.faults.append(text)

    def saw(self, count, text):
        """`count` of something was looked at. Nothing at all is a fault: such a check cannot fail."""
        self.seen.append("%d %s" % (count, text))
        if count == 0:
            self.fault("there are no %s to look at" % text)

    def note(self, text):
        self.seen.append(text)

    def finish(self):
        for fault in self.faults[:50]:
            print("%s: FAULT: %s" % (self.name, fault))
        if len(self.faults) > 50:
            print("%s: FAULT: and %d more" % (self.name, len(self.faults) - 50))
        print("%s: %s" % (self.name, ", ".join(self.seen)))
        print("%s: %s" % (self.name, "%d faults" % len(self.faults) if self.faults else "no fault"))
        return 1 if self.faults else 0


def main(gate):
    sys.exit(gate.finish())
