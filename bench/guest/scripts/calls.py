"""Calls, integers and objects."""


class Counter:
    def __init__(self):
        self.calls = 0

    def fibonacci(self, n):
        self.calls += 1
        return n if n < 2 else self.fibonacci(n - 1) + self.fibonacci(n - 2)


counter = Counter()
print(counter.fibonacci(28), counter.calls)
print(sum(i * i % 7 for i in range(900000)))
