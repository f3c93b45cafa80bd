"""A plain model of ROS's ApproximateTime policy as it runs online: one message at a time, with queues.

Written from the description of the algorithm and the behaviour of its sources, in no hurry and with nothing
clever: it is what the fast implementation is held to.
"""

from fractions import Fraction

INFINITE = 10**30


class Online:
    """Takes messages in order of arrival; ``sets`` holds the times of what it gave out."""

    def __init__(self, streams, *, queue_size=INFINITE, age_penalty=0.1, max_interval=INFINITE, bounds=None):
        self.streams = range(streams)
        self.queue = [[] for _ in self.streams]  # not looked at yet in this round
        self.past = [[] for _ in self.streams]  # dropped since the best candidate, kept in case it is given out
        self.dropped = [False] * streams  # whether the queue has overflowed
        self.queue_size, self.max_interval = queue_size, max_interval
        self.factor = Fraction(1 + age_penalty)
        self.bounds = bounds or [0] * streams
        self.candidate = None
        self.pivot = None
        self.sets = []

    def add(self, stream, time):
        self.queue[stream].append(time)
        if len(self.queue[stream]) == 1 and self.all_filled():
            self.process()
        if len(self.queue[stream]) + len(self.past[stream]) > self.queue_size:
            self.recover()
            del self.queue[stream][0]
            self.dropped[stream] = True
            if self.pivot is not None:
                self.candidate = self.pivot = None
                self.process()

    def all_filled(self):
        return all(self.queue)

    def recover(self):
        for stream in self.streams:
            self.queue[stream] = self.past[stream] + self.queue[stream]
            self.past[stream] = []

    def publish(self):
        self.sets.append(tuple(self.candidate))
        self.candidate = self.pivot = None
        self.recover()
        for stream in self.streams:
            del self.queue[stream][0]

    def move(self, stream):
        self.past[stream].append(self.queue[stream].pop(0))

    @staticmethod
    def borders(times):
        """Give the first earliest and the last latest."""
        first = min(range(len(times)), key=lambda i: (times[i], i))
        last = max(range(len(times)), key=lambda i: (times[i], i))
        return first, times[first], last, times[last]

    def take(self, times):
        self.candidate = list(times)
        self.past = [[] for _ in self.streams]

    def proven(self, end):
        return (end - max(self.candidate)) * self.factor >= self.pivot_time - min(self.candidate)

    def process(self):
        while self.all_filled():
            heads = [queue[0] for queue in self.queue]
            first, start, last, end = self.borders(heads)
            for stream in self.streams:
                if stream != last:
                    self.dropped[stream] = False
            if self.pivot is None:
                if end - start > self.max_interval or self.dropped[last]:
                    del self.queue[first][0]
                    continue
                self.take(heads)
                self.pivot, self.pivot_time = last, end
            elif (end - max(self.candidate)) * self.factor < start - min(self.candidate):
                self.take(heads)
            self.move(first)
            if first == self.pivot or self.proven(end):
                self.publish()
            elif not self.all_filled():
                self.look_ahead()

    def look_ahead(self):
        """Reckon with the best that could still come."""
        kept = [list(queue) for queue in self.queue], [list(past) for past in self.past]
        while True:
            heads = [
                self.queue[i][0] if self.queue[i] else max(self.past[i][-1] + self.bounds[i], self.pivot_time)
                for i in self.streams
            ]
            first, start, _, end = self.borders(heads)
            if self.proven(end):
                self.publish()
                return
            if (end - max(self.candidate)) * self.factor < start - min(self.candidate):
                self.queue, self.past = kept
                return
            self.move(first)
