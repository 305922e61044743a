"""Drawings of simulated pipelines: Mermaid and DOT text, SVG, and one self-contained HTML page."""
