// What Chromium shows of a stamped page, run by run. A run is the text between two places where an element that parts
// text begins or ends. It is named by the first of them: "+7" begins where element 7 does, "-7" where that one ends.
([parting, leftOut, apart]) => {
    const counts = {};
    const count = name => { counts[name] = (counts[name] || 0) + 1; };
    const styled = (element, ...pairs) => {
        for (const [name, value] of pairs) element.style.setProperty(name, value, "important");
    };
    const words = element => [...element.querySelectorAll("style")].reduce(
        (length, sheet) => length - sheet.textContent.length, element.matches("style") ? 0 : element.textContent.trim().length);
    for (const details of document.querySelectorAll("details")) details.open = true;
    for (const name of ["script", "template", "noscript"]) {
        for (const element of document.querySelectorAll(name)) {
            if (!element.matches("[type^='math/']")) element.textContent = "";
        }
    }
    for (const [name, selector] of Object.entries(leftOut)) {
        for (const element of document.querySelectorAll(selector)) {
            if (words(element) && element.checkVisibility()) count(name);
            styled(element, ["display", "none"]);
        }
    }

    // Hidden text: of a panel that a control unfolds, of the page's frame, or for nobody.
    const whole = words(document.body);
    const control = "button, summary, label, [role=button], [role=tab], [aria-expanded], [aria-controls], "
        + "a[href^='#'], a[href^='javascript:'], [onclick], [class*=accordion], [class*=toggle], [class*=collaps]";
    const has = element => element && (element.matches(control) || element.querySelector(control) !== null);
    const isNamed = id => id && [...document.querySelectorAll(
        "[aria-controls], [data-target], [data-bs-target], [href^='#'], [onclick], [for]")].some(element => [
            "aria-controls", "data-target", "data-bs-target", "href", "onclick", "for",
        ].some(name => (element.getAttribute(name) || "").split(/[\s'"#()]+/).includes(id)));
    const panel = /accordion|collaps|fold|tab|pane|panel|toggle|expand|spoiler|faq|answer|slide|carousel|swiper|more|content|toggle/i;
    const popup = /modal|popup|pop-up|dialog|tooltip|lightbox|cookie|consent|overlay/i;
    const opens = element => {
        const names = `${element.className} ${element.id}`;
        const role = element.getAttribute("role") || "";
        if (popup.test(names) || /dialog|tooltip/.test(role)) return false;
        if (role === "tabpanel" || isNamed(element.id)) return true;
        const beside = [element.previousElementSibling, element.nextElementSibling,
            element.parentElement && element.parentElement.previousElementSibling];
        return (panel.test(names) || role === "region") && beside.some(has);
    };
    const open = (element, name) => {
        count(name);
        if (getComputedStyle(element).display === "none") styled(element, ["display", "block"]);
        styled(element, ["visibility", "visible"], ["opacity", "1"]);
        element.removeAttribute("hidden");
    };
    const unseen = style => Number(style.opacity) <= 0.05
        || /^inset\((5\d|[6-9]\d|100)(\.\d+)?%\)$/.test(style.clipPath)
        || parseFloat(style.textIndent) < -500;
    const isAway = (element, style) => {
        const placed = style.position === "absolute" || style.position === "fixed";
        const box = element.getBoundingClientRect();
        if (/hidden|clip/.test(style.overflow) && (box.width <= 1 || box.height <= 1)) return true;
        return placed && (/^rect\((0px, ){3}0px\)$|^rect\((1px, ){3}1px\)$/.test(style.clip)
            || box.right + scrollX < -500 || box.bottom + scrollY < -500);
    };
    for (const element of document.querySelectorAll("body, body *")) {
        const style = getComputedStyle(element);
        if (style.contentVisibility === "auto") styled(element, ["content-visibility", "visible"]);
        const parent = element.parentElement ? getComputedStyle(element.parentElement) : style;
        const hidden = style.display === "none" || (style.visibility === "hidden" && parent.visibility !== "hidden");
        const away = !hidden && (unseen(style) || isAway(element, style));
        if ((!hidden && !away) || !words(element)) continue;
        if (words(element) > whole / 2) open(element, "frame that a script shows");
        else if (opens(element)) open(element, "panel that a control unfolds");
        else if (away) styled(element, ["display", "none"]);
    }
    for (const element of document.body.querySelectorAll("*")) {
        if (getComputedStyle(element).fontSize !== "0px") continue;
        for (const child of [...element.childNodes]) if (child.nodeType === 3) child.data = "";
    }

    const parts = new Set(parting);
    const stamp = element => Number(element.getAttribute("data-z")) || 0;
    const holders = new Set();
    for (const element of document.querySelectorAll("[data-z]")) {
        if (!parts.has(stamp(element))) continue;
        for (let up = element.parentElement; up && !holders.has(up); up = up.parentElement) holders.add(up);
    }
    const runs = new Map();
    let place = "0";
    const close = pieces => {
        if (!pieces.length) return;
        let element = pieces[0];
        if (pieces.length > 1 || element.nodeType !== 1) {
            element = document.createElement("text-run");
            pieces[0].before(element);
            element.append(...pieces);
        }
        runs.set(place, [...(runs.get(place) || []), element]);
    };
    const visit = element => {
        let pieces = [];
        for (const child of [...element.childNodes]) {
            const isElement = child.nodeType === 1;
            if (isElement && (parts.has(stamp(child)) || holders.has(child))) {
                close(pieces);
                pieces = [];
                const number = parts.has(stamp(child)) ? stamp(child) : 0;
                if (number) place = `+${number}`;
                visit(child);
                if (number) place = `-${number}`;
            } else if (isElement || child.nodeType === 3) pieces.push(child);
        }
        close(pieces);
    };
    visit(document.body);
    const text = element => {
        if (getComputedStyle(element).display === "contents") return [...element.childNodes].map(
            child => child.nodeType === 3 ? child.data : child.nodeType === 1 ? text(child) : "").join("");
        return element.checkVisibility() && element.innerText !== undefined ? element.innerText : "";
    };
    const found = {};
    for (const [name, elements] of runs) {
        const marks = Object.keys(apart).filter(mark => elements.some(
            element => element.matches(apart[mark]) || element.querySelector(apart[mark])));
        found[name] = [elements.map(text).join(""), marks];
    }
    return [found, counts];
}
