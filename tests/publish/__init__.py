"""Tests of what readers may see, editions, factsheets and reports."""
