"""The one exception of bench/cpu: something that its user reads as a sentence, without a traceback."""


class Failure(Exception):
    pass
