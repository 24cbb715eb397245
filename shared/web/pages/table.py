"""The table of pages: what people read and do in a browser, beside the table of the API and read by the same rules."""

from __future__ import annotations

from shared.web.routes import ACTING, READING, WRITING, Method, Route

ROOT = "pages"

PAGES = (
    Route("now", Method.GET, "pages", READING, "What needs people, what waits, and what is wrong, now."),
    Route("images", Method.GET, "pages/images", READING, "How every watched tag stands."),
    Route("image", Method.GET, "pages/images/{image}", READING, "How the tags of one entry stand."),
    Route("candidate", Method.GET, "pages/candidates/{candidate}", READING, "One digest on its way."),
    Route("target", Method.GET, "pages/targets/{target}", READING, "One tag of the base registry."),
    Route("act", Method.POST, "pages/targets/{target}", ACTING, "Do something to it, by a form of its page."),
    Route("dependants", Method.GET, "pages/dependants", READING, "What is built on the base registry's tags."),
    Route("impact", Method.GET, "pages/images/{image}/impact", READING, "Who would be rebuilt if its tags moved."),
    Route("waves", Method.GET, "pages/waves", READING, "What is rebuilt in waves, and what waits for people."),
    Route("wave", Method.GET, "pages/waves/{wave}", READING, "One wave with its members."),
    Route("speak", Method.POST, "pages/waves/{wave}", ACTING, "Continue it, take its tag back, or cancel it."),
    Route("approvals", Method.GET, "pages/approvals", READING, "What is asked of people, and what they answered."),
    Route("exposure", Method.GET, "pages/exposure", READING, "What is in use and would not be let in any more."),
    Route("activity", Method.GET, "pages/activity", READING, "What happened, and who did it."),
    Route("activity_csv", Method.GET, "pages/activity.csv", READING, "The same as a table for other programs."),
    Route("system", Method.GET, "pages/system", READING, "How the app itself fares."),
    Route(
        "try",
        Method.POST,
        "pages/destinations/{destination}",
        ACTING,
        "Try a destination of notices.",
    ),
    Route("edit", Method.GET, "pages/config/{file}", READING, "One file of the configuration."),
    Route("write", Method.POST, "pages/config/{file}", WRITING, "Write it, or tell what another text would change."),
    Route("style", Method.GET, "pages/style.css", READING, "How pages look."),
    Route("script", Method.GET, "pages/script.js", READING, "What pages do by themselves, without which all works."),
)


def is_page(path: str) -> bool:
    """Whether a path below ``/api/`` is a page's, and no address of the API."""
    return path.partition("/")[0].lower() == ROOT
