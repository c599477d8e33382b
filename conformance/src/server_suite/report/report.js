const cases = [...document.querySelectorAll(".case")];
const buttons = [...document.querySelectorAll("nav button")];
const search = document.querySelector("nav input");
function show() {
  const kinds = new Set(buttons.filter((b) => b.ariaPressed === "true").map((b) => b.dataset.kind));
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const each of cases) {
    const text = each.textContent.toLowerCase();
    each.hidden = !kinds.has(each.dataset.kind) || !words.every((word) => text.includes(word));
  }
  for (const section of document.querySelectorAll("section")) {
    section.hidden = !section.querySelector(".case:not([hidden])");
  }
}
for (const button of buttons) {
  button.addEventListener("click", () => {
    button.ariaPressed = button.ariaPressed === "true" ? "false" : "true";
    show();
  });
}
search.addEventListener("input", show);
