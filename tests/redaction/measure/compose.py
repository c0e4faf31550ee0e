"""Puts whole tool calls and lines together from the parts of `servers`, `phrases` and `lines`."""

import re
from collections import Counter

import forms
import lines
import names
import phrases
import servers

# Vendors whose keys people paste.
PASTED = ["GitHub", "GitLab", "OpenAI", "Anthropic", "Stripe", "Slack", "Google", "SendGrid", "DigitalOcean", "npm", "Hugging Face", "Notion", "Linear", "Shopify", "Twilio", "Databricks", "Vercel", "Groq", "Postman", "PyPI"]
PLAIN = ["Sommer¦2024", "hun¦ter2x", "gr8¦Gatsby", "nova¦kova88", "Xk9¦mQ2vL7", "tulp¦en7molens", "azer¦tyB4nana", "7dwar¦fsnow", "mango¦Tiger7"]
DOMAINS = ["exam¦ple.com", "north¦wind.example", "mail.kita-part¦ner.de", "lantern¦.fr", "blue-har¦bour.co.uk", "optica¦sol.es"]
PHONES = ["+49 30 2¦345 {4}", "+33 6 {2} {2} ¦{2} {2}", "+1 415 55¦5 {4}", "+44 20 79¦46 {4}", "+81 3-3¦456-{4}", "+55 11 9¦{4}-{4}", "+351 912 ¦{3} {3}", "+7 495 ¦{3}-{2}-{2}", "+86 138 ¦{4} {4}", "+34 612 ¦{3} {3}", "+39 347 ¦{3} {4}", "+48 601 ¦{3} {3}"]


def digits(dice, count):
    return "".join(dice.choice("0123456789") for _ in range(count))


def card(dice):
    """A number that passes Luhn's check, grouped as it is printed."""
    start, length = dice.choice([("4", 16), ("52", 16), ("2345", 16), ("37", 15), ("6011", 16), ("3566", 16)])
    body = start + digits(dice, length - 1 - len(start))
    total = sum(sum(divmod(int(digit) * (2 if at % 2 == 0 else 1), 10)) for at, digit in enumerate(reversed(body)))
    number = body + str(-total % 10)
    if dice.random() < 0.5:
        cuts = [4, 6, 5] if length == 15 else [4, 4, 4, 4]
        groups = [number[sum(cuts[:at]) : sum(cuts[: at + 1])] for at in range(len(cuts))]
        return groups[0] + "¦" + dice.choice([" ", "-"]).join(["", *groups[1:]])
    return number[:5] + "¦" + number[5:]


def iban(dice):
    """An account's number with its check digits."""
    country, length = dice.choice([("DE", 18), ("FR", 23), ("NL", 14), ("ES", 20), ("PT", 21), ("IT", 23)])
    body = {"NL": "ABNA", "IT": "X", "FR": ""}.get(country, "")
    body += digits(dice, length - len(body))
    as_number = "".join(str(int(char, 36)) for char in body + country + "00")
    number = f"{country}{98 - int(as_number) % 97:02d}{body}"
    if dice.random() < 0.5:
        number = " ".join(number[at : at + 4] for at in range(0, len(number), 4))
    return number[:4] + "¦" + number[4:]


class Filler:
    """Fills the slots of a call in one language."""

    def __init__(self, dice, language):
        self.dice = dice
        self.language = language
        rows = [(vendor, form) for vendor, form in forms.table(forms.SELF) if vendor in PASTED and not re.search(r"[\s:/‹;]", re.sub(r"\{[^}]*\}", "", form))]
        self.keys = [re.sub(r"\{(\w+:\d+)\}", r"⟦\1⟧", form).replace("{uuid}", "⟦uuid:36⟧") for _, form in rows]

    def secret(self, slot):
        dice = self.dice
        if slot == "K":
            return dice.choice(self.keys)
        if slot == "P":
            return f"⟦={dice.choice(names.CHOSEN)}⟧"
        if slot == "W":
            return f"⟦={dice.choice(PLAIN)}⟧"
        if slot == "O":
            return re.sub(r"\{(\w+:\d+)\}", r"⟦\1⟧", dice.choice([form for form in names.OPAQUE if form not in ("{uuid}", "{b64:43}=")]))
        if slot == "E":
            local = dice.choice(phrases.WORDS["first"]) + dice.choice([".", "_", "-", ""]) + dice.choice(["keller", "mendes", "tanaka", "dubois", "nowak"]) + dice.choice(["", "", str(dice.randrange(10, 99))])
            return f"⟦={local}@{dice.choice(DOMAINS)}⟧"
        if slot == "T":
            return "⟦=" + re.sub(r"\{(\d)\}", lambda m: str(dice.randrange(1, 10)) + digits(dice, int(m[1]) - 1), dice.choice(PHONES)) + "⟧"
        if slot == "C":
            return f"⟦={card(dice)}⟧"
        if slot == "I":
            return f"⟦={iban(dice)}⟧"
        return {"GH": "gh¦p_⟦alnum:36⟧", "NPM": "np¦m_⟦alnum:36⟧", "AWS": "AK¦IA⟦b32:16⟧"}[slot]

    def slot(self, match):
        slot, dice = match[1], self.dice
        made = {
            "int": lambda: str(dice.randrange(2, 4000)),
            "n": lambda: str(dice.randrange(100, 99999)),
            "n1": lambda: str(dice.randrange(1, 10)),
            "nn": lambda: str(dice.randrange(10, 60)),
            "id": lambda: str(dice.randrange(100_000, 99_999_999)),
            "date": lambda: f"2026-0{dice.randrange(1, 10)}-{dice.randrange(10, 29)}",
            "ts": lambda: f"2026-03-{dice.randrange(10, 29)}T0{dice.randrange(10)}:{dice.randrange(10, 60)}:{dice.randrange(10, 60)}Z",
            "ip": lambda: f"10.{dice.randrange(256)}.{dice.randrange(256)}.{dice.randrange(1, 255)}",
            "mac": lambda: ":".join(f"{dice.randrange(256):02x}" for _ in range(6)),
            "hh": lambda: f"{dice.randrange(256):02x}",
            "hex4": lambda: f"{dice.randrange(16**4):04x}",
            "hex7": lambda: f"{dice.randrange(16**7):07x}",
            "hex8": lambda: f"{dice.randrange(16**8):08x}",
            "hex16": lambda: "⟪hex:16⟫",
            "hex32": lambda: "⟪hex:32⟫",
            "sha7": lambda: f"{dice.randrange(16**7):07x}",
            "sha": lambda: "⟪hex:40⟫",
            "uuid": lambda: "⟪uuid:36⟫",
            "note": lambda: dice.choice(phrases.NOTES[self.language]),
            "long": lambda: " ".join(dice.sample(phrases.NOTES[self.language] + phrases.NOTES["en"], 2)),
            "CAPS": lambda: re.sub(r"[^A-Z]", "_", dice.choice(phrases.WORDS["word2"]).upper()),
            "Cap": lambda: dice.choice(["Harbour", "Lantern", "Passenger", "Session", "Beacon", "Order", "Tenant"]),
        }
        if slot in made:
            return made[slot]()
        if slot in phrases.WORDS:
            return dice.choice(phrases.WORDS[slot])
        return self.secret(slot)

    def fill(self, part):
        if isinstance(part, str):
            if part in ("«int»", "«id»") and self.dice.random() < 0.7:
                return int(re.sub("«(int|id)»", self.slot, part))
            filled = re.sub("«(\\w+)»", self.slot, part)
            return re.sub("«(\\w+)»", self.slot, filled)
        if isinstance(part, list):
            return [self.fill(item) for item in part]
        if isinstance(part, dict):
            return {name: self.fill(value) for name, value in part.items()}
        return part


# What else stands in a result.
EVERYDAY = [*lines.FAMILIES.values(), *[["«long»"]] * 8]
LANGUAGES = ["en"] * 6 + ["de"] * 3 + ["fr", "fr", "es", "es", "pt", "pt", "it", "nl", "pl", "tr", "ru", "ru", "ja", "ja", "zh", "zh", "ko", "ar"]


def pick(dice, used, act, place):
    """One of the parts of a place that were used least."""
    counts = [used[id(act), place, at] for at in range(len(act[place]))]
    at = dice.choice([at for at, count in enumerate(counts) if count == min(counts)])
    used[id(act), place, at] += 1
    return act[place][at]


def call(dice, used, kind, act, with_secret):
    """A call with a secret in some of its parts, or in none."""
    language = dice.choice(LANGUAGES)
    filler = Filler(dice, language)
    places = []
    if with_secret:
        able = [place for place in ("sargs", "sok", "serr") for _ in act[place]] + ["intent"]
        places = {dice.choice(able) for _ in range(dice.choice([1, 1, 1, 2]))}
    whole = {"kind": kind, "lang": language, "tool": act["tool"]}
    if "intent" in places:
        whole["intent"] = filler.fill(dice.choice(phrases.CONFIDES[language]))
    elif dice.random() < 0.7:
        whole["intent"] = filler.fill(dice.choice(phrases.TASKS[language]))
    whole["arguments"] = filler.fill(pick(dice, used, act, "sargs" if "sargs" in places else "args"))
    fails = "serr" in places or ("sok" not in places and act["err"] and dice.random() < 0.25)
    if fails:
        whole["error"] = filler.fill(pick(dice, used, act, "serr" if "serr" in places else "err"))
    if not fails or "sok" in places:
        whole["result"] = filler.fill(pick(dice, used, act, "sok" if "sok" in places else "ok"))
        if isinstance(whole["result"], dict) and dice.random() < 0.5:
            more = "\n".join(filler.fill(dice.choice(dice.choice(EVERYDAY))) for _ in range(dice.randrange(3, 9)))
            whole["result"].setdefault("content", []).append({"type": "text", "text": more})
    return whole


def calls(dice):
    """Six hundred calls, half of them without a secret; a kind of server is kept aside with all of its calls."""
    kinds = sorted(servers.SERVERS)
    aside = set(dice.sample(kinds, len(kinds) // 2))
    made, used = [], Counter()
    while len(made) < 600:
        kind = kinds[len(made) % len(kinds)]
        acts = servers.SERVERS[kind]
        turn = len(made) // len(kinds)
        # Each act has calls of both sorts, whatever the number of kinds and acts.
        with_secret = (turn // len(acts) + kinds.index(kind)) % 2 == 1
        whole = call(dice, used, kind, acts[turn % len(acts)], with_secret)
        assert ("⟦" in str(whole)) == with_secret, whole
        made.append((kind in aside, whole))
    return made


def harmless_lines(dice):
    """Lines of each family in turn; a pattern is kept aside with all of its lines."""
    made = []
    for name, families, times in (("lines", lines.FAMILIES, 14), ("near misses", lines.NEAR_MISSES, 5)):
        for family, patterns in families.items():
            for pattern in patterns:
                aside = dice.random() < 0.5
                for line in sorted({Filler(dice, "en").fill(pattern) for _ in range(times)}):
                    made.append((aside, [name, family, line]))
    return made
