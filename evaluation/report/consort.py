"""
The items of the CONSORT 2025 checklist, by number, each in a few words of our own.

Table 1 of Hopewell and others (2025), CONSORT 2025 statement, BMJ 389:e081123,
https://doi.org/10.1136/bmj-2024-081123; the same table in PLoS Medicine 22(4):e1004587,
https://pmc.ncbi.nlm.nih.gov/articles/PMC11996237/table/pmed.1004587.t001.
"""

from typing import Final

ITEMS: Final = {
    "1a": "title", "1b": "abstract", "2": "registration", "3": "protocol and plan",
    "4": "data sharing", "5a": "funding", "5b": "conflicts of interest", "6": "background",
    "7": "objectives", "8": "patients and public", "9": "design", "10": "changes to the trial",
    "11": "settings", "12a": "eligibility of people", "12b": "eligibility of sites",
    "13": "intervention and comparator", "14": "outcomes", "15": "how harms are defined",
    "16a": "sample size", "16b": "interim looks", "17a": "sequence", "17b": "restriction",
    "18": "concealment", "19": "who could see the sequence", "20a": "who is blinded",
    "20b": "how they are blinded", "21a": "statistical methods", "21b": "who is analysed",
    "21c": "missing data", "21d": "additional analyses", "22a": "participant flow",
    "22b": "losses and exclusions", "23a": "dates", "23b": "why the trial ended",
    "24a": "intervention as delivered", "24b": "concomitant care", "25": "baseline",
    "26": "outcomes and estimates", "27": "harms", "28": "ancillary analyses",
    "29": "interpretation", "30": "limitations",
}  # fmt: skip


def items(numbers: str) -> str:
    """Item numbers, such as "22a, 22b", each with its topic. KeyError for an unknown number."""
    return ", ".join(f"{number} ({ITEMS[number]})" for number in numbers.split(", "))
