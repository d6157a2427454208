// Which findings and measurements of one study are lit: those pointed at, else those picked.

export interface Selection {
  lit(): ReadonlySet<string>;
  picked(): ReadonlySet<string>;
  hover(ids: ReadonlySet<string> | null): void;
  /** Pick these; the same again lets them go. */
  pick(ids: ReadonlySet<string>): void;
  clear(): void;
}

const NOTHING: ReadonlySet<string> = new Set();

/** Nothing is lit at first; `onChange` is called after each change. */
export function startSelection(onChange: () => void): Selection {
  let picked = NOTHING;
  let hovered: ReadonlySet<string> | null = null;
  const set = (ids: ReadonlySet<string>): void => {
    picked = ids;
    hovered = null;
    onChange();
  };
  return {
    lit: () => hovered ?? picked,
    picked: () => picked,
    hover(ids) {
      hovered = ids;
      onChange();
    },
    pick(ids) {
      const isSame = ids.size === picked.size && [...ids].every((id) => picked.has(id));
      set(isSame ? NOTHING : ids);
    },
    clear: () => set(NOTHING),
  };
}
