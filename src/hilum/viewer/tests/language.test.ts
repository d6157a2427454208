import { describe, expect, it } from "vitest";
import { KEYS } from "../src/help";
import { chooseLanguage, LANGUAGES, TABLES, type Key, type Language } from "../src/language";

const places = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();

describe("language table", () => {
  const keys = Object.keys(TABLES.en) as Key[];

  it.each(Object.keys(LANGUAGES) as Language[])("%s names everything that English names", (code) => {
    expect(Object.keys(TABLES[code]).sort()).toEqual([...keys].sort());
    for (const key of keys) {
      expect(TABLES[code][key].trim(), key).not.toBe("");
      expect(places(TABLES[code][key]), key).toEqual(places(TABLES.en[key]));
    }
  });

  it.each(["es", "de", "fr"] as Language[])("%s is a translation, not English again", (code) => {
    const same = keys.filter((key) => TABLES[code][key] === TABLES.en[key]);
    expect(same.length).toBeLessThan(keys.length / 6);
    expect(TABLES[code].disclaimer).not.toBe(TABLES.en.disclaimer);
  });

  it("keeps the disclaimer as the server words it", () => {
    expect(TABLES.en.disclaimer).toBe("For research and teaching only. Not a medical device, not for diagnosis.");
  });

  it("explains every key once", () => {
    for (const page of Object.values(KEYS)) {
      const letters = page.map(([key]) => key);
      expect(new Set(letters).size).toBe(letters.length);
    }
  });

  it("is chosen by the reader, then by the browser", () => {
    expect(chooseLanguage("fr", ["de-AT"])).toBe("fr");
    expect(chooseLanguage(null, ["pt-BR", "de-AT", "en"])).toBe("de");
    expect(chooseLanguage("xx", ["ja"])).toBe("en");
  });
});
