"""What bench/cpu is made of: tests, contestants, running them in turns, and the report."""
