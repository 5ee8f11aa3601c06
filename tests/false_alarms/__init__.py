"""How often an analysis stops a good canary, and how often it finds a bad one: releases that are drawn, not played."""
