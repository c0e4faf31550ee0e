"""Makes the files of this folder that the test `measure` reads; run by hand, in this folder: `python3 generate.py`.

The same each time: what is chosen, is chosen by a generator with a fixed seed. Secrets are not in the files. In their place stand marks, which
the test replaces: `⟦alphabet:length⟧` a random secret, `⟦=text⟧` a secret as it stands, `⟪alphabet:length⟫` random text that is harmless; `‹text›` text
that may go together with a secret; `¦` breaks what must not stand in a file as one piece, and goes. `#n` behind the length: the same again wherever `#n` comes again.

`more_calls.jsonl` is written by hand, with the same marks, and stays as it is.
"""

import json
import random
import re
import sys
from pathlib import Path

# No folder of compiled files beside the data.
sys.dont_write_bytecode = True

import compose  # noqa: E402
import forms  # noqa: E402
import names  # noqa: E402
import sentences  # noqa: E402

HERE = Path(__file__).parent
SEED = 20_261_128


def marks(form):
    """A form with the marks of the data files for its random parts."""
    return re.sub(r"\{(\w+:\d+|uuid)\}", lambda m: f"⟦{m[1] if ':' in m[1] else 'uuid:36'}⟧", form)


def styled(sign, words):
    """A sign with a name in the style that it asks for."""
    first, *others = words
    camel = first + "".join(word.capitalize() for word in others)
    styles = {
        "s": "_".join(words),
        "c": camel,
        "p": camel[0].upper() + camel[1:],
        "S": "_".join(words).upper(),
        "k": "-".join(words),
        "d": ".".join(words),
        "h": "-".join(word.capitalize() for word in words),
        "w": " ".join(words),
    }
    return re.sub(r"%([scpSkdhw])", lambda m: styles[m[1]], sign)


def of_their_own_form(dice):
    """Each form in some places; a form is kept aside with all of its cases."""
    for vendor, form in forms.table(forms.SELF):
        aside = dice.random() < 0.5
        places = dice.sample(forms.PLACES, 4)
        if "\n" in form:
            places = ["¤", "harbour\n¤\nlantern\n", '{"file": "id_test", "content": "¤"}', "cat <<E > k\n¤\nE"]
        for place in places:
            text = marks(form)
            if place.startswith("{") and "\n" in text:
                text = text.replace("\n", "\\n")
            yield aside, ["self", vendor, place.replace("¤", text)]


def under_a_name(dice):
    """Each sign with several names, each name with several signs."""
    words = [name.split() for name in re.split(r"[;\n]+ ?", names.NAMES) if name.strip()]
    dice.shuffle(words)
    at = 0
    for sign in names.SIGNS:
        for _ in range(12):
            name = words[at % len(words)]
            at += 1
            # No identifier is written in another script, and not every name has a plural.
            if re.match(r"%[sw]\b(?!\(|\?| \|\|)|\"%s\": \"|\| %s", sign) and "\n" not in sign and dice.random() < 0.3:
                name = [dice.choice(names.SCRIPTS)]
            while "%ss" in sign and not re.search("(token|key|secret|password|code)$", name[-1]):
                name = words[at % len(words)]
                at += 1
            chosen = dice.random() < 0.35
            # A UUID under a session's name is an id.
            opaque = [form for form in names.OPAQUE if form != "{uuid}" or "session" not in name]
            value = "⟦=" + dice.choice(names.CHOSEN) + "⟧" if chosen else marks(dice.choice(opaque))
            if chosen and ("¢" in sign or "\\" in sign) and re.search(r"[ '\"&#;(),<>$\\]", value):
                value = "⟦=" + dice.choice(["Sommer¦2024", "hun¦ter2x", "gr8¦Gatsby", "nova¦kova88", "Xk9¦mQ2vL7"]) + "⟧"
            text = styled(sign, name).replace("¤", value).replace("¢", value)
            yield dice.random() < 0.5, ["named", f"{' '.join(name)} in {sign}", text]


def near_a_vendor(dice):
    """Each vendor in some texts; a vendor is kept aside with all of its cases."""
    for vendor, form in forms.table(forms.CONTEXT):
        aside = dice.random() < 0.5
        plain = re.sub(r"[^A-Za-z0-9]", "", vendor)
        for near in dice.sample(forms.NEAR, 4):
            text = near.replace("%V", vendor).replace("%v", plain.lower()).replace("%C", plain[0].upper() + plain[1:])
            yield aside, ["context", f"{vendor} in {near}", text.replace("¤", marks(form))]


def write(name, cases):
    """Two files: the open half, and the half kept aside; one, where nothing is."""
    cases = list(cases)
    halves = ((False, ""), (True, "_held_out")) if any(half for half, _ in cases) else ((False, ""),)
    for aside, suffix in halves:
        lines = [json.dumps(case, ensure_ascii=False, separators=(",", ":")) for half, case in cases if half == aside]
        path = HERE / f"{name}{suffix}.jsonl"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(f"{path.name}: {len(lines)} cases, {path.stat().st_size} bytes")


def main():
    keys = []
    for makes in (of_their_own_form, under_a_name, near_a_vendor):
        keys += makes(random.Random(SEED))
    write("keys", keys)
    write("calls", compose.calls(random.Random(SEED)))
    write("lines", compose.harmless_lines(random.Random(SEED)))
    write("sentences", sentences.said())
    vendors = {vendor for vendor, _ in forms.table(forms.SELF) + forms.table(forms.CONTEXT)}
    print(f"{len(vendors)} vendors and kinds; {sum(case[0] == 'self' for _, case in keys)} / "
          f"{sum(case[0] == 'named' for _, case in keys)} / {sum(case[0] == 'context' for _, case in keys)}")


if __name__ == "__main__":
    main()
