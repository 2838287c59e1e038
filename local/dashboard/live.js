// Does with a panel's `cwdb-action` elements what CloudWatch does: a click on the element before it
// asks for confirmation, calls the function with the panel's form, and shows what it returns.
const dark = matchMedia("(prefers-color-scheme: dark)");

async function call(place, endpoint, params) {
  const form = {};
  for (const field of place.querySelectorAll("input")) form[field.name] = field.value;
  place.setAttribute("aria-busy", "true");
  const answer = await fetch("/panel", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ endpoint, params, form, theme: dark.matches ? "dark" : "light" }),
  });
  place.innerHTML = answer.ok ? await answer.text() : "<p role=\"alert\">This panel failed: see the function's log.</p>";
  place.removeAttribute("aria-busy");
  wire(place);
}

function wire(place) {
  for (const action of place.querySelectorAll("cwdb-action")) {
    action.previousElementSibling.addEventListener("click", () => {
      const asks = action.getAttribute("confirmation");
      if (asks && !confirm(asks)) return;
      call(place, action.getAttribute("endpoint"), JSON.parse(action.textContent));
    });
  }
}

function themed() {
  for (const panel of document.querySelectorAll(".dvpo")) {
    panel.classList.toggle("dark", dark.matches);
    panel.classList.toggle("light", !dark.matches);
  }
}

document.querySelectorAll(".live").forEach(wire);
themed();
dark.addEventListener("change", themed);
