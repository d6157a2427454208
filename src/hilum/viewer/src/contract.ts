// Shapes of the HTTP API (/api/v1) and of reading.json, as far as the viewer uses them.

export type Status = "present" | "uncertain" | "absent" | "not_assessed";
export type StudyState = "receiving" | "queued" | "reading" | "read" | "refused" | "failed";

export interface Me {
  user: string;
  roles: string[];
  is_loopback: boolean;
  is_deidentified: boolean;
  version: string;
  disclaimer: string;
  languages: string[];
  /** "nothing": nobody is asked here; only a "cookie" can be signed out. */
  signed_in_by: "nothing" | "header" | "cookie";
  expires_at: string | null;
}

export interface Session {
  is_needed: boolean;
  is_signed_in: boolean;
  /** Host of the identity provider, where one may be used. */
  provider: string | null;
}

export interface Job {
  study_id: string;
  state: StudyState;
  priority: number;
  attempts: number;
  reason: string;
}

export interface FoundSummary {
  name: string;
  display: string;
  status: Status;
  probability: number | null;
}

export interface StudySummary {
  id: string;
  state: StudyState;
  priority: number;
  patient_name: string | null;
  patient_id: string | null;
  sex: string | null;
  age_years: number | null;
  accession: string | null;
  study_date: string | null;
  received_at: string;
  read_at: string | null;
  description: string | null;
  indication: string | null;
  findings: FoundSummary[];
  suspicion: string | null;
  reason: string | null;
  has_prior: boolean;
  feedback: string | null;
}

export interface StudyPage {
  items: StudySummary[];
  total: number;
  next_cursor: string | null;
}

export interface StudyImage {
  number: number;
  sop_uid: string;
  series_uid: string;
  rows: number;
  columns: number;
  view: string | null;
  wado_uri: string;
  is_refused: boolean;
}

export interface PriorStudy extends StudySummary {
  images: StudyImage[];
}

export interface StudyDetail extends StudySummary {
  study_uid: string;
  images: StudyImage[];
  priors: PriorStudy[];
  revision: number;
}

/** [x, y, width, height] in source pixels. */
export type Box = [number, number, number, number];
/** [x, y] in source pixels, origin at the top-left corner of the stored matrix. */
export type Point = [number, number];

export interface Region {
  box: Box;
  score: number;
}

export interface Finding {
  id: string;
  code: string | null;
  name: string;
  status: Status;
  probability: number | null;
  interval: [number, number] | null;
  operating_point: number | null;
  regions: Region[];
  zones: string[];
  problem: string | null;
}

export interface Issue {
  id: string;
  code: string;
  message: string;
}

export interface Measurement {
  id: string;
  name: string;
  value: number | null;
  unit: string;
  uncertainty: number | null;
  problem: string | null;
}

export interface Structure {
  mask: string | null;
  quality: number;
  problem: string | null;
  origin: string;
}

export interface RadiographReading {
  source: string;
  sop_instance_uid: string;
  acquired: string | null;
  rows: number;
  columns: number;
  view: string;
  spacing_mm: [number, number] | null;
  orientation: { quarter_turns: number; is_mirrored: boolean };
  is_inverted: boolean;
  notes: Issue[];
  quality: { accepted: boolean; reasons: Issue[]; warnings: Issue[] };
  anatomy: Record<string, Structure>;
  landmarks: Record<string, Point>;
  measurements: Measurement[];
  findings: Finding[];
}

export interface Statement {
  text: string;
  evidence: string[];
}

export interface Report {
  indication: string;
  technique: string;
  comparison: string;
  findings: Statement[];
  impression: Statement[];
}

export interface Change {
  id: string;
  finding: string;
  kind: string;
  evidence: string[];
  prior_date: string | null;
}

export interface Reading {
  schema_version: string;
  hilum_version: string;
  disclaimer: string;
  study_uid: string;
  radiographs: RadiographReading[];
  report: Report;
  changes: Change[];
  unreadable: { source: string; reason: string }[];
  models: Record<string, string>;
}

export interface Reworded {
  findings: { id: string; name: string; status: Status; operating_point: number | null }[];
  report: { findings: Statement[]; impression: Statement[] };
}

export interface Corners {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

export interface EditedSentence extends Statement {
  is_edited: boolean;
  section: "findings" | "impression";
}

export type FeedbackKind = "agree" | "correct" | "reject" | "comment" | "report";

export interface Feedback {
  kind: FeedbackKind;
  finding?: string;
  box?: Corners;
  status?: Status;
  text?: string;
  sentences?: EditedSentence[];
}

export interface StoredFeedback extends Feedback {
  id: string;
  user: string;
  created_at: string;
  payload?: Feedback;
}
