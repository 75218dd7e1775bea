// The prompt has the keyboard from the first picture on, as in a terminal.
const desk = new MutationObserver(() => {
  const keyboard = document.querySelector(".xterm-helper-textarea");
  if (keyboard && document.body.classList.contains("-first-byte")) {
    desk.disconnect();
    keyboard.focus();
  }
});
desk.observe(document.body, { attributes: true, attributeFilter: ["class"] });
