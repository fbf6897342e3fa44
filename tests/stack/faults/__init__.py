"""The whole stack behind a proxy that cuts, delays and kills."""
