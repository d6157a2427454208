// Every text of the interface, by language. One JSON table each; English names the keys.

import de from "./de.json";
import en from "./en.json";
import es from "./es.json";
import fr from "./fr.json";

export type Key = keyof typeof en;
export type Language = "en" | "es" | "de" | "fr";

export const TABLES: Record<Language, Record<Key, string>> = { en, es, de, fr };
export const LANGUAGES: Record<Language, string> = {
  en: "English",
  es: "Español",
  de: "Deutsch",
  fr: "Français",
};

const STORE = "hilum.language";
let current: Language = "en";

/** The language of the interface. */
export const language = (): Language => current;

/** Pick the stored choice, else the first language of the browser that there is a table for. */
export function chooseLanguage(stored: string | null, preferred: readonly string[]): Language {
  for (const tag of [stored ?? "", ...preferred]) {
    const short = tag.slice(0, 2).toLowerCase();
    if (short in TABLES) return short as Language;
  }
  return "en";
}

/** Set up from the browser; called once at the start. */
export function startLanguage(): void {
  let stored: string | null = null;
  try {
    stored = localStorage.getItem(STORE);
  } catch {
    // storage may be closed to the page; then the browser's language decides
  }
  apply(chooseLanguage(stored, navigator.languages));
}

export function switchLanguage(to: Language): void {
  apply(to);
  try {
    localStorage.setItem(STORE, to);
  } catch {
    // as above: the choice then lasts until the page is closed
  }
}

function apply(to: Language): void {
  current = to;
  document.documentElement.lang = to;
}

/** The text of `key` in the current language, `{name}` filled in from `values`. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  return TABLES[current][key].replace(/\{(\w+)\}/g, (whole, name: string) =>
    name in values ? String(values[name]) : whole,
  );
}

/** The word for a name that comes from the server, e.g. `finding` + `edema`; else the name itself. */
export function nameOf(kind: string, name: string): string {
  const table: Record<string, string> = TABLES[current];
  const known = table[`${kind}.${name}`];
  if (known) return known;
  const plain = name.replaceAll("_", " ");
  return plain.charAt(0).toUpperCase() + plain.slice(1);
}

/** Local date, with the time where the text has one. */
export function formatDate(iso: string | null, withTime = true): string {
  if (!iso) return "–";
  const moment = new Date(iso);
  if (Number.isNaN(moment.getTime())) return "–";
  const date: Intl.DateTimeFormatOptions = { year: "numeric", month: "2-digit", day: "2-digit" };
  const time: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit" };
  return moment.toLocaleString(current === "en" ? "en-GB" : current, withTime ? { ...date, ...time } : date);
}
