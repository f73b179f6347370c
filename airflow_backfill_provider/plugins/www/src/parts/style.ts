/** The little CSS that is ours, in the host's colours; put into the page once. */

import { FORM_CSS } from "./formStyle";

const status = (name: string, background: string, color: string, border = background): string =>
  `.bf-${name}{background:${background};color:${color};border-color:${border}}`;

const token = (name: string): string => `var(--chakra-colors-${name})`;

const CSS = `
.bf{color:${token("fg")};font-size:14px;line-height:1.45}
.bf *{box-sizing:border-box}
.bf h1{font-size:20px;font-weight:600}
.bf h2{font-size:16px;font-weight:600;margin:0 0 6px}
.bf h3{font-size:14px;font-weight:600;margin:0 0 6px}
.bf q{font-style:italic;margin-inline-start:6px}
.bf-small-print{font-size:12px}
.bf-sentence::first-letter{text-transform:uppercase}
.bf a{color:${token("fg-info")};text-decoration:underline;text-underline-offset:3px}
.bf a:focus-visible,.bf button:focus-visible,.bf [tabindex]:focus-visible,.bf input:focus-visible,.bf select:focus-visible,.bf summary:focus-visible,.bf textarea:focus-visible{outline:2px solid ${token("fg-info")};outline-offset:2px}
.bf-muted{color:${token("fg-muted")}}
.bf-row{display:flex;flex-wrap:wrap;gap:8px;align-items:center}
.bf-between{display:flex;flex-wrap:wrap;gap:8px 16px;align-items:center;justify-content:space-between}
.bf-stack{display:flex;flex-direction:column;gap:14px}
.bf-card{border:1px solid ${token("border")};border-radius:8px;padding:14px}
.bf-strip{display:grid;grid-template-columns:repeat(auto-fit,minmax(92px,1fr));gap:8px}
.bf-number{display:flex;flex-direction:column;justify-content:flex-start;border:1px solid ${token("border")};border-radius:8px;padding:8px 12px;text-align:start;background:transparent;color:inherit;min-width:0}
button.bf-number{cursor:pointer}
button.bf-number:hover{border-color:${token("fg-muted")}}
.bf-number[aria-pressed=true]{outline:2px solid ${token("fg-info")}}
.bf-number b{display:block;font-size:22px;line-height:1.2;font-variant-numeric:tabular-nums}
.bf-cell{display:inline-flex;align-items:center;justify-content:center;border:1px solid transparent;border-radius:3px;font-size:11px;font-weight:700;line-height:1;user-select:none}
${status("done", token("success-muted"), token("success-fg"))}
${status("running", token("running-fg"), token("bg"))}
${status("queued", token("queued-muted"), token("queued-fg"), token("queued-emphasized"))}
${status("missing", token("failed-subtle"), token("failed-fg"), token("failed-fg"))}
${status("failed", token("failed-solid"), token("failed-contrast"))}
${status("stale", token("up_for_retry-muted"), token("up_for_retry-fg"), token("up_for_retry-fg"))}
.bf-excluded{color:${token("fg-muted")};background:transparent}
.bf-missing{border-style:dashed}
.bf-late{position:relative}
.bf-late::after{content:"";position:absolute;top:-1px;right:-1px;border:4px solid;border-color:${token("fg")} ${token("fg")} transparent transparent;border-top-right-radius:3px}
.bf-grid{overflow:auto;max-height:min(70vh,900px);border:1px solid ${token("border")};border-radius:8px}
.bf-grid table{border-collapse:separate;border-spacing:0;width:max-content;min-width:100%}
.bf-grid th,.bf-grid td{padding:2px;text-align:center;font-weight:400}
.bf-grid thead th{position:sticky;top:0;background:${token("bg")};z-index:2;border-bottom:1px solid ${token("border")};font-size:11px;color:${token("fg-muted")};font-variant-numeric:tabular-nums;padding-block:6px}
.bf-grid th[scope=row],.bf-grid thead th:first-child{position:sticky;left:0;background:${token("bg")};z-index:1;text-align:start;padding-inline:12px;width:300px;max-width:300px;border-inline-end:1px solid ${token("border")}}
.bf-grid thead th:first-child{z-index:3}
.bf-grid tbody tr{height:32px}
.bf-grid tbody tr:hover th,.bf-grid tbody tr:hover td{background:${token("bg-muted")}}
.bf-grid td .bf-cell{width:22px;height:22px}
.bf-grid td:focus-visible{outline:2px solid ${token("fg-info")};outline-offset:-2px;border-radius:4px}
.bf-grid td[data-day]{cursor:pointer}
.bf-month-name{display:block;height:15px}
.bf-week{border-inline-start:1px solid ${token("border")}}
.bf-head{display:flex;gap:8px;align-items:baseline;justify-content:space-between}
.bf-name{display:block;min-width:0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.bf-count{font-variant-numeric:tabular-nums;white-space:nowrap}
.bf-legend{display:flex;flex-wrap:wrap;gap:4px 14px;font-size:12px;color:${token("fg-muted")};align-items:center}
.bf-legend .bf-cell{width:18px;height:18px;margin-inline-end:5px;font-size:10px}
.bf-cols{display:grid;grid-template-columns:minmax(0,1fr) 372px;gap:16px;align-items:start}
.bf-side{position:sticky;top:8px;max-height:calc(100vh - 24px);overflow:auto}
.bf-year{display:grid;grid-template-columns:repeat(auto-fill,minmax(218px,1fr));gap:16px 14px}
.bf-month{min-width:0}
.bf-month table{border-collapse:separate;border-spacing:2px;width:100%;table-layout:fixed;touch-action:pan-y}
.bf-month th{font-size:11px;font-weight:400;color:${token("fg-muted")};padding:0}
.bf-month td{padding:0;height:30px;position:relative}
.bf-day{width:100%;height:30px;font-weight:500;font-size:12px;font-variant-numeric:tabular-nums;gap:1px}
.bf-day i{font-style:normal;font-size:9px;font-weight:700}
.bf-month td[aria-selected=true] .bf-day{outline:2px solid ${token("fg")};outline-offset:0;box-shadow:inset 0 0 0 2px ${token("bg")}}
.bf-month td[data-pick]{cursor:pointer}
.bf-month td:focus-visible{outline:none}
.bf-month td:focus-visible .bf-day{outline:2px solid ${token("fg-info")};outline-offset:2px}
.bf-today .bf-day{text-decoration:underline;text-underline-offset:3px}
.bf-pick{background:none;border:1px solid transparent;border-radius:4px;font:inherit;color:inherit;cursor:pointer;padding:2px 4px}
.bf-pick:hover{border-color:${token("border")}}
.bf-more{align-self:flex-start;margin-inline-start:-4px;text-decoration:underline;text-underline-offset:2px}
.bf-button{border:1px solid ${token("border-emphasized")};border-radius:6px;background:${token("bg")};color:${token("fg")};font:inherit;font-weight:500;padding:6px 12px;cursor:pointer;min-height:34px}
.bf-button:hover:not(:disabled,[aria-disabled=true]){background:${token("bg-muted")}}
.bf-button:disabled,.bf-button[aria-disabled=true]{opacity:.55;cursor:not-allowed}
.bf-main{background:${token("brand-solid")};color:${token("brand-contrast")};border-color:transparent}
.bf-main:hover:not(:disabled){background:${token("brand-fg")};color:${token("bg")}}
.bf-danger{color:${token("failed-fg")}}
.bf-small{padding:2px 8px;min-height:28px;font-size:13px}
.bf-input{border:1px solid ${token("border-emphasized")};border-radius:6px;background:${token("bg")};color:${token("fg")};font:inherit;padding:6px 10px;min-height:34px;min-width:0}
.bf-label{display:flex;flex-direction:column;gap:3px;font-size:12px;color:${token("fg-muted")};min-width:0}
.bf-check{display:flex;gap:8px;align-items:flex-start}
.bf-check input{margin-top:4px}
.bf-tabs{display:flex;flex-wrap:wrap;gap:4px;border-bottom:1px solid ${token("border")}}
.bf-tabs a{padding:8px 14px;text-decoration:none;color:${token("fg-muted")};border-bottom:2px solid transparent;margin-bottom:-1px}
.bf-tabs a[aria-current]{color:${token("fg")};border-color:${token("brand-solid")};font-weight:600}
.bf-chip{border:1px solid ${token("border-emphasized")};border-radius:999px;padding:1px 9px;font-size:12px;background:${token("bg")};color:${token("fg")};white-space:nowrap}
button.bf-chip{cursor:pointer;font:inherit;font-size:12px}
.bf-chip[aria-pressed=true]{border-color:${token("fg-info")};box-shadow:inset 0 0 0 1px ${token("fg-info")}}
button.bf-chip:hover:not(:disabled){background:${token("bg-muted")}}
.bf-chip:disabled{color:${token("fg-muted")};cursor:not-allowed}
.bf-every{margin-inline-end:3px}
.bf-tight{padding-inline:5px}
.bf-jump{display:none}
.bf-problem{border:1px solid ${token("failed-fg")};border-radius:8px;padding:12px;background:${token("failed-subtle")};color:${token("fg")}}
.bf-done-note{border:1px solid ${token("success-fg")};border-radius:8px;padding:12px;background:${token("success-subtle")};color:${token("fg")}}
.bf-empty{border:1px dashed ${token("border-emphasized")};border-radius:8px;padding:32px 16px;text-align:center;color:${token("fg-muted")}}
.bf-lines{list-style:none;padding:0;margin:0;font-size:13px;display:flex;flex-direction:column;gap:5px}
.bf-lines li{padding-inline-start:14px;position:relative;overflow-wrap:anywhere}
.bf-lines li::before{content:"";position:absolute;left:2px;top:7px;width:6px;height:6px;border-radius:50%;background:${token("fg-muted")}}
.bf-facts{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:2px 12px;font-size:13px;margin:0}
.bf-facts dt{color:${token("fg-muted")}}
.bf-facts dd{margin:0;overflow-wrap:anywhere}
.bf-table{width:100%;border-collapse:collapse}
.bf-table th{font-size:12px;font-weight:500;color:${token("fg-muted")};text-align:start;padding:6px 8px;border-bottom:1px solid ${token("border")}}
.bf-table td{padding:8px;border-bottom:1px solid ${token("border")};vertical-align:top;overflow-wrap:break-word;max-width:420px}
.bf-table tr:focus-visible{outline-offset:-2px}
.bf-table tr[aria-selected=true] td{background:${token("bg-muted")}}
.bf-table th,.bf-scroll:focus-visible{outline-offset:-2px}
.bf-card-label{display:none}
.bf-verbs{flex-wrap:nowrap}
.bf-scroll{overflow-x:auto}
.bf [aria-busy=true]{opacity:.55;transition:opacity 0s .25s}
.bf-bar{display:flex;height:10px;border-radius:5px;overflow:hidden;background:${token("bg-emphasized")};min-width:120px}
.bf-bar span{height:100%}
.bf-code{display:block;font-family:ui-monospace,monospace;font-size:12px;background:${token("bg-muted")};border-radius:6px;padding:8px;overflow-wrap:anywhere;white-space:pre-wrap}
.bf-wait{height:14px;border-radius:4px;background:${token("bg-emphasized")};opacity:.7}
.bf dialog,.bf-dialog{margin:auto;border:1px solid ${token("border")};border-radius:10px;background:${token("bg")};color:${token("fg")};padding:20px;max-width:min(440px,92vw)}
.bf-dialog::backdrop{background:rgb(0 0 0/.5)}
.bf-hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@media (max-width:980px){.bf-cols{grid-template-columns:minmax(0,1fr)}.bf-side{position:static;max-height:none}.bf-jump{display:block;position:sticky;bottom:8px;z-index:2}}
@media (max-width:560px){
.bf-grid th[scope=row],.bf-grid thead th:first-child{width:150px;max-width:150px;padding-inline:8px}
.bf-head{flex-direction:column;align-items:flex-start;gap:0}.bf-head .bf-name{max-width:100%}.bf-grid th[scope=row]{font-size:13px;line-height:1.3}
.bf-wide{display:none}.bf-card{padding:10px}
.bf-tabs a{padding:6px 9px}
.bf-number{padding:5px 10px}.bf-number b{font-size:18px}
.bf-button.bf-small{min-height:36px;padding-inline:12px}
.bf-cards,.bf-cards tbody{display:block}
.bf-cards thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.bf-cards tr{display:block;border:1px solid ${token("border")};border-radius:8px;padding:8px 10px;margin-bottom:10px}
.bf-cards tr[aria-selected=true]{background:${token("bg-muted")}}
.bf-cards td{display:block;border:0;padding:3px 0;max-width:none}
.bf-cards td:has(>div:empty:last-child){display:none}
.bf-cards td>.bf-card-label{display:inline-block;margin-inline-end:8px;font-size:12px;color:${token("fg-muted")}}
.bf-cards [role=cell]{display:grid;grid-template-columns:84px minmax(0,1fr);align-items:baseline;overflow-wrap:anywhere}
.bf-cards .bf-verbs{flex-wrap:wrap}
.bf-grid .bf-name{white-space:normal;display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:2}
.bf-filters{display:grid;grid-template-columns:1fr 1fr}.bf-filters>:first-child{grid-column:1/-1}
}
@media (prefers-reduced-motion:no-preference){.bf-wait{animation:bf-wait 1.2s ease-in-out infinite alternate}@keyframes bf-wait{to{opacity:.3}}}
`;

export const dress = (): void => {
  if (document.getElementById("backfill-style")) return;
  const element = document.createElement("style");
  element.id = "backfill-style";
  element.textContent = CSS + FORM_CSS;
  document.head.append(element);
};
