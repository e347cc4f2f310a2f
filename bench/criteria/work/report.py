import csv

with open("data.csv", newline="") as file:
    total = sum(int(row["amount"]) for row in csv.DictReader(file))
with open("report.txt", "w") as file:
    file.write(f"total {total}\n")
print("total", total)
