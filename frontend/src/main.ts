/** Starts the page, or says why it cannot. */

import "./styles/fonts.css";
import "./styles/tokens.css";
import "./styles/base.css";
import { mount } from "svelte";
import { WORDS } from "./copy/en";
import { app } from "./state/page/app.svelte";
import Page from "./views/page/Page.svelte";

const target = document.getElementById("app");
const isFit =
  "WebSocket" in window &&
  "BigInt" in window &&
  "toSorted" in Array.prototype &&
  CSS.supports("color", "light-dark(red, red)");

if (target !== null) {
  if (isFit) mount(Page, { target });
  else target.textContent = WORDS.unsupported;
}

// For people's own scripts, in the console or from outside: `trapscope.cursor.goTo(57)`.
Object.assign(globalThis, { trapscope: app });
