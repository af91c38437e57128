"""Whole daemons, official ones and ours, driven from outside through files, REST and signals."""
