// Chromium as people have it: wide, narrow, dark, in forced colours, and without script.
import { chromium } from "playwright-core";

const WIDE = { width: 1360, height: 900 };
const NARROW = { width: 360, height: 740 };
export const MODES = {
  light: { viewport: WIDE, colorScheme: "light" },
  dark: { viewport: WIDE, colorScheme: "dark" },
  narrow: { viewport: NARROW, colorScheme: "light" },
  "narrow-dark": { viewport: NARROW, colorScheme: "dark" },
  forced: { viewport: WIDE, forcedColors: "active" },
  bare: { viewport: WIDE, javaScriptEnabled: false },
};

export function launched(executablePath) {
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
}
