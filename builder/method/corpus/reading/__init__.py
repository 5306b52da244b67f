"""From files to pages: archives, tables and folders of HTML, on disk or behind a URL."""
