"""Sections of the recipe for the corpus: which pages, how they are cut, which segments stay."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from builder.data.page_address import base_address
from builder.recipe.sections.section import Input, InputUrl, Later, Line, Named, NoResult, Repository, Section, Share

FilterName = Literal["gopher_quality", "gopher_repetition", "c4_quality", "fineweb_quality"]
Count = Annotated[int, Field(ge=0)]


class CorpusSource(Section):
    """Pages: WARC files (of ClueWeb22, 12 and 09, Common Crawl and others), tables with HTML, folders of HTML."""

    path: InputUrl
    """A file or a folder, here or behind a URL that fsspec knows."""
    format: Literal["warc", "html", "jsonl", "parquet"]
    """What the files are: `warc` archives, `html` files, or tables as `jsonl` or `parquet`."""
    html: str = "html"
    """The key of a JSON line, or the column of a Parquet file, that holds the page."""
    url: str = "url"
    """The key or column of the page's address."""
    id: str | None = None
    """The key or column of the page's id; where there is none, file and place are the id."""
    language: str | None = None
    """The key or column of the page's language, if there is one."""
    redistributable: Annotated[bool, NoResult()] = True
    """Whether text of its pages may be passed on; if not, as for ClueWeb, a release holds none (`release.text`)."""
    base_url: Annotated[str | None, Later()] = None
    """Address at which the files of a folder of `html` stand: with the path of its file below it, it is the address of
    a page that gives itself none."""
    name: Annotated[Line | None, NoResult()] = None
    """What the card of a release calls the source."""
    license: Annotated[Line | None, NoResult()] = None
    """Licence of its pages; every row of a release that was made from them carries it."""
    about: Annotated[Line | None, NoResult()] = None
    """A sentence on the source for the card of a release."""

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, address: str | None) -> str | None:
        return address if address is None else base_address(address)

    @model_validator(mode="after")
    def _has_columns(self) -> "CorpusSource":
        columns = ("html", "url", "id", "language")
        named = [name for name in columns if getattr(self, name) != type(self).model_fields[name].default]
        if named and self.format not in ("jsonl", "parquet"):
            raise ValueError(f"has the key {named[0]}, which names a column, but format {self.format} has none")
        if self.base_url is not None and self.format != "html":
            raise ValueError(f"has the key base_url, which is for folders of html; its format is {self.format}")
        return self


class Heuristics(Section):
    """Which segments are dropped by rules; the paper's are those on length, headers and repeated sentences."""

    min_chars: Annotated[int, Field(ge=1)] = 600
    """Characters below which a text is dropped; sections that are shorter one by one are first put together under the
    heading above them."""
    max_chars: Annotated[int, Field(ge=1)] = 3_000
    """Sections that are longer are cut at the headings inside them, or dropped where there are none."""
    weigh_scripts: bool = True
    """Whether a character of Han counts as 3.5 in lengths, of kana as 1.7 and of Hangul as 2.3, others as one: they say
    as much as so many characters of English."""
    max_header_chars: Annotated[int, Field(ge=1)] = 200
    """Characters above which a header is dropped as no heading."""
    max_header_capitals: Share = 0.6
    """Share of capital letters above which a header is dropped as shouting."""
    navigation_headers: Named | None = None
    """A text file, one header a line, instead of the list that comes with the package."""
    max_repeated_share: Share = 0.2
    """The largest share of sentences that are nearly equal to an earlier one."""
    sentence_similarity: Share = 0.6
    """Jaccard index of word 3-grams from which two sentences are nearly equal."""
    max_link_share: Share = 0.5
    """The largest share of characters in links to other pages."""
    max_table_share: Share = 0.7
    """The largest share of characters in cells of data tables."""
    max_stub_share: Share = 0.5
    """The largest share of characters in list items shorter than 40 characters."""
    min_letter_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The least share of letters among the characters that are no white space."""
    max_cards: Count = 7
    """The most inner sections with less than 200 characters."""
    max_linked_cards: Count = 2
    """The most inner sections with less than 200 characters whose heading is a link."""
    max_teasers: Count = 2
    """The most lines that end in an ellipsis, "Read more" or the like."""
    max_thread_lines: Count = 1
    """The most lines of the frame of a forum, such as "Senior Member" or "jane wrote:"."""
    drop_cut_endings: bool = True
    """Whether a text that ends like a teaser is dropped."""
    phrases: Named | None = None
    """A text file with the phrases that rules know furniture by, instead of the one that comes with the package."""
    trim_tails: bool = True
    """Whether bylines, pointers to other pages, calls, credits and notes on the writer go, block by block."""
    leads: Literal["drop", "announcing", "keep"] = "drop"
    """Whether a text is dropped that stands before sections which became segments of their own: `drop` those under the
    first level of headings, unless they begin with the heading's words as definitions do, and those that announce what
    follows; `announcing` the latter alone."""
    drop_posts: bool = True
    """Whether texts under the name of who wrote them are dropped, as posts in a forum are."""
    drop_prompts: bool = True
    """Whether headers are dropped that are a prompt of a shop or a form, or the label of a note."""
    drop_changelogs: bool = True
    """Whether lists of changes from version to version are dropped."""
    drop_legal: bool = True
    """Whether terms of use, notices on privacy and disclaimers are dropped."""
    drop_praise: bool = True
    """Whether testimonials and collections of buyers' reviews are dropped."""
    drop_teams: bool = True
    """Whether sections about the people of a site are dropped."""
    drop_events: bool = True
    """Whether listings of events are dropped."""
    drop_prices: bool = True
    """Whether lists of goods with prices are dropped."""
    max_marketing: Annotated[float, Field(ge=0)] = 4.0
    """The most phrases of advertising in 1,000 characters."""
    min_prose_share: Share = 0.4
    """The least share of the characters outside of code and tables that are in sentences or long lines."""
    max_fragment_share: Share = 0.5
    """The largest share of the lines outside of code and tables that are short, no list item and no sentence."""
    drop_holes: bool = True
    """Whether a text is dropped of which a part is not there or garbled: what a line announces, or characters."""
    drop_walls: bool = True
    """Whether texts that ask for consent, or stand before the page, are dropped."""
    drop_placeholders: bool = True
    """Whether texts with unfilled fields of a template, or with places for advertisements, are dropped."""
    filters: list[FilterName] = Field([])
    """datatrove's document filters that are run after all other rules."""

    @model_validator(mode="after")
    def _ordered(self) -> "Heuristics":
        if self.min_chars > self.max_chars:
            raise ValueError(f"min_chars is {self.min_chars} and above max_chars, which is {self.max_chars}")
        return self


class Segments(Heuristics):
    """How pages are cut and which segments are dropped (paper 2.1 and its appendix)."""

    sources: Annotated[list[CorpusSource], Field(min_length=1)]
    """Where the pages come from, one source or more."""
    languages: list[str] = Field(["en"], min_length=1)
    """Languages of the pages that are used, as codes of two letters."""
    mode: Literal["learned", "cascade", "overlay", "fast"] = "learned"
    """Who says which text is main content: rules that hear Resiliparse and, where they are in doubt, a model learned
    from pages with known main content (`learned`) or trafilatura (`cascade`); or rules that hear trafilatura always
    (`overlay`) or never (`fast`)."""
    boundary: Literal["tree", "any"] = "tree"
    """Where a segment ends: `tree` at the next heading of the same or a higher level, as far as that fits `max_chars`;
    `any` at the next heading of any level."""
    on_control_tokens: Literal["reject", "escape"] = "reject"
    """Whether a segment with a control token of a chat template is dropped, or the token made harmless."""
    mask_pii: bool = True
    """Whether e-mail and public IP addresses become fixed stand-ins."""
    block_urls: bool = False
    """Whether pages on the lists of unwanted addresses that come with datatrove are left out."""
    page_seconds: Annotated[float, Field(gt=0)] = 10.0
    """How long a page may take while it is cut; longer than that, and it fails alone."""
    page_memory_mb: Annotated[int, Field(ge=64)] = 1_024
    """How much memory a page may take while it is cut; more than that, and it fails alone."""
    tasks: Annotated[int, Field(ge=1)] = 4
    """Into how many shards the input is split; part of the result's layout, so hashed."""


class KnownSet(Section):
    """Texts that no segment may repeat, such as the outputs of an earlier release."""

    name: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    """Its name in counts and reasons; each set has its own."""
    path: Input | None = None
    """A file, or a folder of files: JSON lines, JSON, Parquet, CSV or TSV."""
    dataset: Repository | None = None
    """Name of a dataset on the Hub, instead of `path`."""
    revision: Annotated[str, Field(min_length=1)] | None = None
    """Commit of the dataset; `humpback check --pin` writes it in."""
    config: Annotated[str, Field(min_length=1)] | None = None
    """Config of the Hub dataset, such as `augmented` of a release; its default where left out."""
    split: str = "train"
    """Split of the Hub dataset."""
    column: Annotated[str, Field(min_length=1)] = "output"
    """The column of the texts; of a column of turns (`role`, `content`) those of the assistant count."""

    @model_validator(mode="after")
    def _one_place(self) -> "KnownSet":
        if (self.path is None) == (self.dataset is None):
            raise ValueError("needs exactly one of path and dataset")
        return self


class Dedup(Section):
    """Which duplicates go, and how many segments stay."""

    near: bool = True
    """Whether near duplicates go too, by MinHash."""
    n_grams: Annotated[int, Field(ge=1)] = 5
    """Words in a row that MinHash compares texts by."""
    buckets: Annotated[int, Field(ge=1)] = 14
    """Bands of MinHash; two texts that agree in one of them are near duplicates. More find more."""
    hashes_per_bucket: Annotated[int, Field(ge=1)] = 8
    """Hashes of a band; more ask for more likeness."""
    per_domain: Annotated[int, Field(ge=1)] | None = None
    """Keep at most this many segments of a registered domain, chosen by id hash."""
    sample: Annotated[int, Field(ge=1)] | None = None
    """Keep this many segments, chosen by id hash (the paper sampled 502,133)."""
    against: Annotated[list[KnownSet], Field(min_length=1), Later()] | None = None
    """Sets whose texts no segment may repeat; with `near`, nearly the same counts too."""

    @model_validator(mode="after")
    def _sets_have_names(self) -> "Dedup":
        names = [known.name for known in self.against or ()]
        if len(set(names)) != len(names):
            raise ValueError(
                f"against has a name twice ({', '.join(names)}); counts are kept by name, give each its own"
            )
        return self
