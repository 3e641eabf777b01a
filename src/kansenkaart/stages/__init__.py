"""The corridor: acquire, score, publish; plain Python, path in and path out, runnable without Prefect."""
