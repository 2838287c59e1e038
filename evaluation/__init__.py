"""The analyst's commands over a research extract: report, power, timetable and Parquet."""
