/** The CSS of forms, in the host's colours. */

const token = (name: string): string => `var(--chakra-colors-${name})`;

export const FORM_CSS = `
.bf-fields{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,248px),1fr));gap:14px 16px;align-items:start}
.bf-field{display:flex;flex-direction:column;gap:3px;min-width:0;border:0;padding:0;margin:0}
.bf-field>label,.bf-field>legend,.bf-name-of{font-size:13px;font-weight:500;padding:0}
.bf-field .bf-input{width:100%}
.bf-field textarea.bf-input{font-family:ui-monospace,monospace;font-size:13px;min-height:72px;resize:vertical}
.bf-about{font-size:12px;color:${token("fg-muted")}}
.bf-wrong{font-size:12px;color:${token("failed-fg")};overflow-wrap:anywhere}
.bf-wrong::before{content:"✗ ";font-weight:700}
.bf-input[aria-invalid=true]{border-color:${token("failed-fg")};box-shadow:inset 0 0 0 1px ${token("failed-fg")}}
.bf-input:disabled{background:${token("bg-muted")};color:${token("fg-muted")};cursor:not-allowed}
.bf-changed{font-size:11px;font-weight:500;border:1px solid ${token("fg-info")};border-radius:999px;padding:0 7px;margin-inline-start:6px}
.bf-broad{grid-column:1/-1}
.bf-entry{border:1px solid ${token("border")};border-radius:6px;padding:10px;display:flex;flex-direction:column;gap:8px}
.bf-dates{list-style:none;margin:0;padding:0;font-size:13px;font-variant-numeric:tabular-nums}
.bf-dates li{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 8px;padding:5px 0;border-bottom:1px solid ${token("border")}}
.bf-dates li:last-child{border:0}
.bf-dates li>span{margin-inline-start:auto}
.bf-note{border:1px solid ${token("border-emphasized")};border-inline-start-width:4px;border-radius:6px;padding:8px 12px;font-size:13px}
.bf-diff{width:100%;border-collapse:collapse;font-size:13px;table-layout:fixed}
.bf-diff th,.bf-diff td{text-align:start;vertical-align:top;padding:7px 8px;border-bottom:1px solid ${token("border")};overflow-wrap:anywhere;white-space:pre-wrap}
.bf-diff thead th{font-size:12px;font-weight:500;color:${token("fg-muted")}}
.bf-diff tbody th{font-weight:500;width:30%}
.bf-diff del{color:${token("failed-fg")};text-decoration-thickness:1px}
.bf-diff ins{color:${token("success-fg")};text-decoration:none;font-weight:600}
.bf dialog.bf-review{max-width:min(760px,94vw);width:760px;max-height:88vh;overflow:auto}
.bf-footer{position:sticky;bottom:-12px;margin-bottom:-12px;background:${token("bg")};border-top:1px solid ${token("border")};padding:10px 0 16px;display:flex;flex-wrap:wrap;gap:8px;align-items:center;justify-content:space-between;z-index:3}
.bf a.bf-link-button{color:${token("fg")};text-decoration:none;display:inline-flex;align-items:center}
@media (max-width:560px){.bf-diff tbody th{width:26%}.bf-diff th,.bf-diff td{padding:6px 4px}}
`;
