"""The guides that ship with hwsim: Markdown files, one a topic, shown in a terminal or as HTML pages."""
