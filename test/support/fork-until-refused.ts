/**
 * A Python program that makes processes until the kernel refuses, and prints how many there were.
 * @param refused what it does with the error `e`
 */
export const forkUntilRefused = (refused = 'pass'): string => `import os, signal
made = []
try:
    while len(made) < 200:
        child = os.fork()
        if child == 0:
            while True: signal.pause()
        made.append(child)
except OSError as e: ${refused}
print(len(made))
for child in made: os.kill(child, 9)`;
