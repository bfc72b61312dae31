/** Whether a dialog stands before the page: keys of the page wait until it is closed. */
export function dialogIsOpen(): boolean {
  return [...document.querySelectorAll('[role="dialog"]')].some((dialog) => dialog.checkVisibility())
}
