"""Page layouts of the mini-web's sites: how titles, navigation, sections and furniture are marked up.

`$sections` is where the content goes; everything else on a page is there to be left out by an extractor.
"""

from dataclasses import dataclass
from string import Template


@dataclass(frozen=True)
class Layout:
    """How the pages of one family of sites look.

    Attributes:
        page: The whole document.
        section: One section; `$level`, `$header`, `$slug` and `$body` are filled in.
        levels: The heading levels its sections may have; 1 is for pages whose title is not a heading.
    """

    page: Template
    section: Template
    levels: tuple[int, ...]


MAGAZINE = Layout(
    page=Template(
        """<!DOCTYPE html>
<html lang="$language">
<head>
<meta charset="utf-8">
<title>$title | $site</title>
<link rel="canonical" href="$url">
<style>body { font-family: serif; max-width: 60em } .ad { float: right }</style>
<script>window.visits = (window.visits || 0) + 1;</script>
</head>
<body class="article-page">
<header class="site-header"><a class="logo" href="/">$site</a>
<nav class="main-nav"><ul>$navigation</ul></nav></header>
<nav class="breadcrumb" aria-label="Breadcrumb"><a href="/">Home</a> &rsaquo; <a href="/$area/">$area</a></nav>
<main>
<article>
$heading
<p class="byline">By $author, $date</p>
$sections
</article>
</main>
<aside class="sidebar">
<h3>Most read</h3>
<ul>$related</ul>
<form class="subscribe"><label>Your address <input type="email" name="address"></label><button>Send</button></form>
</aside>
<footer class="site-footer"><p>&copy; $year $site. $legal</p><ul>$footer</ul></footer>
<div class="cookie-banner">$cookies <button>Agree</button></div>
</body>
</html>
"""
    ),
    section=Template('<section id="$slug">\n<h$level>$header</h$level>\n$body\n</section>'),
    levels=(2, 2, 3),
)

WEBLOG = Layout(
    page=Template(
        """<!DOCTYPE html>
<html lang="$language">
<head>
<meta charset="utf-8">
<title>$title - $site</title>
<meta property="og:url" content="$url">
</head>
<body>
<div id="wrapper">
<div id="header"><p class="site-title"><a href="/">$site</a></p></div>
<div class="menu"><ul>$navigation</ul></div>
<div id="content">
<div class="post">
$heading
<div class="post-meta">$date by $author</div>
<div class="entry-content">
$sections
</div>
<div class="post-tags tags">Tags: <a href="/tag/$area">$area</a>, <a href="/tag/home">home</a></div>
<div class="share-buttons social"><a href="#">Share</a> <a href="#">Tweet</a> <a href="#">Pin</a></div>
</div>
</div>
<div id="sidebar" class="sidebar">
<h2>Recent posts</h2>
<ul>$related</ul>
<h2>Archives</h2>
<ul><li><a href="/$year/03">March $year</a></li><li><a href="/$year/02">February $year</a></li></ul>
</div>
<div id="footer"><p>$legal</p><ul>$footer</ul></div>
</div>
</body>
</html>
"""
    ),
    section=Template("<h$level>$header</h$level>\n$body"),
    levels=(2, 3, 3),
)

WIKI = Layout(
    page=Template(
        """<!DOCTYPE html>
<html lang="$language">
<head>
<meta charset="utf-8">
<title>$title</title>
</head>
<body class="wiki">
<div id="jump-to-nav"><a href="#content">Jump to content</a></div>
<div id="content" class="content-body" role="main">
$heading
<div class="body-content">
$sections
</div>
</div>
<div id="navigation" role="navigation">
<p class="nav-title">$site</p>
<ul>$navigation</ul>
</div>
<div id="footer" role="contentinfo"><ul><li>This page was last changed on $date.</li><li>$legal</li>$footer</ul></div>
</body>
</html>
"""
    ),
    section=Template(
        '<h$level><span class="headline" id="$slug">$header</span>'
        '<a class="anchor" href="#$slug">\u00b6</a></h$level>\n$body'
    ),
    levels=(2, 3, 4),
)

LEAFLET = Layout(
    page=Template(
        """<html lang="$language">
<head><title>$title</title></head>
<body>
<div class="masthead"><a href="index.html">$site</a></div>
<div class="article">
$sections
</div>
<hr>
<div class="footer"><p><small>$legal $date</small></p>
<p><a href="index.html">Back to the start page</a></p></div>
</body>
</html>
"""
    ),
    section=Template("<h$level>$header</h$level>\n$body"),
    levels=(1, 1, 2),
)

# Written by hand and never validated: closing tags are missing, attributes are unquoted, tags are in capitals.
UNTIDY = Layout(
    page=Template(
        """<HTML lang=$language>
<TITLE>$title</TITLE>
<BODY bgcolor=white>
<DIV class=navbar><UL>$navigation</UL>
</DIV>
<DIV class=content>
$heading
$sections
</DIV>
<DIV class=footer><P>$legal
<P><A HREF=index.html>Home</A>
"""
    ),
    section=Template("<H$level>$header</H$level>\n$body"),
    levels=(2, 3),
)

LAYOUTS = (MAGAZINE, WEBLOG, WIKI, LEAFLET, UNTIDY)
SHARES = (0.32, 0.28, 0.22, 0.13, 0.05)
"""How often each layout occurs in the crawl."""
