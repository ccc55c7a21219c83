// Package jobs runs background work that must not be lost: it is asked for in
// the transaction that needs it, survives a restart, is tried again, and shows
// its progress and the reason of its failure to people. It is River on the hub's
// one write connection, behind an interface of our own.
//
// It decides how often something is tried. What the work is, its handlers know.
// Nothing that must happen at a second waits on a job.
package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
)

// Tries is how often a job is run before it stays failed. A refusal
// (problem.Problem) is final at once: the same input would be refused again.
const Tries = 3

// Handler does the work for one subject. report takes a stage's name and how
// much of it is done, 0 to 1; it may be called often. A handler may be run again
// after a crash in the middle of it, so it must end in the same result.
type Handler func(ctx context.Context, subject string, report func(stage string, fraction float64)) error

// Config says what runs, and how.
type Config struct {
	Handlers map[string]Handler // by kind; a kind has two letters or more
	Workers  int                // at a time; 2 by default
	Timeout  time.Duration      // for one try; 30 minutes by default
}

// Job is the state of a piece of work, for people.
type Job struct {
	ID       string
	Kind     string
	Subject  string
	State    string // waiting, running, done, failed
	Stage    string
	Fraction float64
	Vi, En   string // why it failed, and what to do
	Attempts int
	Created  time.Time
	Changed  time.Time
}

// args is what River keeps of a job.
type args struct {
	ID      string `json:"id"`
	Work    string `json:"work"`
	Subject string `json:"subject"`
}

// Kind implements river.JobArgs.
func (args) Kind() string { return "loa_work" }

// Queue is the running queue.
type Queue struct {
	db     *sql.DB
	client *river.Client[*sql.Tx]
	cfg    Config
	log    *slog.Logger
}

// Open prepares the queue on the hub's write connection. Work that a crash
// interrupted is waiting again. Start runs it.
func Open(ctx context.Context, db *sql.DB, cfg Config, log *slog.Logger) (*Queue, error) {
	if cfg.Workers == 0 {
		cfg.Workers = 2
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 30 * time.Minute
	}
	driver := riversqlite.New(db)
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, fmt.Errorf("open jobs: %w", err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return nil, fmt.Errorf("open jobs: %w", err)
	}
	// One process works on this file: whatever was running, is not.
	for _, q := range []string{
		`UPDATE river_job SET state = 'available' WHERE state = 'running'`,
		`UPDATE background_job SET state = 'waiting', stage = '', fraction = 0 WHERE state = 'running'`,
	} {
		if _, err := db.ExecContext(ctx, q); err != nil {
			return nil, fmt.Errorf("open jobs: %w", err)
		}
	}
	q := &Queue{db: db, cfg: cfg, log: log}
	workers := river.NewWorkers()
	if err := river.AddWorkerSafely(workers, &worker{queue: q}); err != nil {
		return nil, fmt.Errorf("open jobs: %w", err)
	}
	q.client, err = river.NewClient(driver, &river.Config{
		Queues:                      map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: cfg.Workers}},
		Workers:                     workers,
		FetchCooldown:               20 * time.Millisecond,
		FetchPollInterval:           time.Second,
		CompletedJobRetentionPeriod: time.Hour,
		JobTimeout:                  cfg.Timeout,
		MaxAttempts:                 Tries,
		Logger:                      slog.New(levelHandler{log.Handler()}),
	})
	if err != nil {
		return nil, fmt.Errorf("open jobs: %w", err)
	}
	return q, nil
}

// levelHandler passes River's own words on from warnings up.
type levelHandler struct{ slog.Handler }

func (h levelHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }

// Start begins to work; Close ends it.
func (q *Queue) Start(ctx context.Context) error {
	if err := q.client.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start jobs: %w", err)
	}
	return nil
}

// Close cancels what runs and waits until it has ended. It is tried again after
// the next Open.
func (q *Queue) Close(ctx context.Context) error {
	if err := q.client.StopAndCancel(ctx); err != nil {
		return fmt.Errorf("stop jobs: %w", err)
	}
	return nil
}

// Enqueue asks for work in tx and returns the job's id.
func (q *Queue) Enqueue(ctx context.Context, tx *sql.Tx, kind, subject string) (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("enqueue: %w", err)
	}
	now := time.Now().UnixMilli()
	if _, err := tx.ExecContext(ctx, `INSERT INTO background_job (id, kind, subject, state, created, changed) VALUES (?, ?, ?, 'waiting', ?, ?)`,
		id.String(), kind, subject, now, now); err != nil {
		return "", fmt.Errorf("enqueue: %w", err)
	}
	return id.String(), q.insert(ctx, tx, args{ID: id.String(), Work: kind, Subject: subject})
}

func (q *Queue) insert(ctx context.Context, tx *sql.Tx, a args) error {
	if _, err := q.client.InsertTx(ctx, tx, a, nil); err != nil {
		return fmt.Errorf("enqueue: %w", err)
	}
	return nil
}

// Retry runs a failed job again. Errors: problem.ErrConflict if it has not
// failed, problem.ErrNotFound.
func (q *Queue) Retry(ctx context.Context, id string) error {
	tx, err := q.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("retry: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	a := args{ID: id}
	var state string
	err = tx.QueryRowContext(ctx, `SELECT kind, subject, state FROM background_job WHERE id = ?`, id).Scan(&a.Work, &a.Subject, &state)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("job %s: %w", id, problem.ErrNotFound)
	}
	if err != nil {
		return fmt.Errorf("retry: %w", err)
	}
	if state != "failed" {
		return problem.New(problem.ErrConflict, "job-not-failed", "", "Việc này chưa hỏng nên không cần làm lại. Hãy tải lại trang.", "This job has not failed, so there is nothing to try again. Load the page again.")
	}
	if _, err := tx.ExecContext(ctx, `UPDATE background_job SET state = 'waiting', stage = '', fraction = 0, problem_vi = '', problem_en = '', attempts = 0, changed = ? WHERE id = ?`,
		time.Now().UnixMilli(), id); err != nil {
		return fmt.Errorf("retry: %w", err)
	}
	if err := q.insert(ctx, tx, a); err != nil {
		return err
	}
	return tx.Commit()
}

// worker runs one job for River.
type worker struct {
	river.WorkerDefaults[args]
	queue *Queue
}

// NextRetry waits 2, 4, 8 s between tries.
func (w *worker) NextRetry(job *river.Job[args]) time.Time {
	return time.Now().Add(time.Second << job.Attempt)
}

// Work implements river.Worker.
func (w *worker) Work(ctx context.Context, job *river.Job[args]) error {
	q, a := w.queue, job.Args
	handler, ok := q.cfg.Handlers[a.Work]
	if !ok {
		return river.JobCancel(fmt.Errorf("job of kind %q: no handler", a.Work))
	}
	q.note(ctx, `UPDATE background_job SET state = 'running', attempts = ?, changed = ? WHERE id = ?`, job.Attempt, time.Now().UnixMilli(), a.ID)
	var last time.Time
	var lastStage string
	err := handler(ctx, a.Subject, func(stage string, fraction float64) {
		if stage == lastStage && time.Since(last) < 250*time.Millisecond {
			return
		}
		last, lastStage = time.Now(), stage
		q.note(ctx, `UPDATE background_job SET stage = ?, fraction = ?, changed = ? WHERE id = ?`, stage, fraction, last.UnixMilli(), a.ID)
	})
	// Whatever ended the try, its end is noted, even when ctx has ended.
	ctx = context.WithoutCancel(ctx)
	now := time.Now().UnixMilli()
	if err == nil {
		q.note(ctx, `UPDATE background_job SET state = 'done', fraction = 1, changed = ? WHERE id = ?`, now, a.ID)
		return nil
	}
	p := problem.New(problem.ErrUnavailable, "job-failed", "", "Việc bị hỏng vì lỗi của máy chủ. Hãy thử lại; nếu vẫn hỏng, báo kỹ thuật viên.", "The job failed because of a fault of the hub. Try again; if it fails again, tell a technician.")
	final := errors.As(err, &p) || job.Attempt >= Tries
	if !final {
		q.log.WarnContext(ctx, "job will be tried again", "job", a.ID, "kind", a.Work, "attempt", job.Attempt, "error", err)
		q.note(ctx, `UPDATE background_job SET state = 'waiting', changed = ? WHERE id = ?`, now, a.ID)
		return err
	}
	q.log.ErrorContext(ctx, "job failed", "job", a.ID, "kind", a.Work, "subject", a.Subject, "error", err)
	q.note(ctx, `UPDATE background_job SET state = 'failed', problem_vi = ?, problem_en = ?, changed = ? WHERE id = ?`, p.Vi, p.En, now, a.ID)
	return river.JobCancel(err)
}

// note writes what people see of a job. The work goes on if that fails.
func (q *Queue) note(ctx context.Context, query string, args ...any) {
	if _, err := q.db.ExecContext(ctx, query, args...); err != nil && ctx.Err() == nil {
		q.log.WarnContext(ctx, "progress not noted", "error", err)
	}
}

const jobColumns = `id, kind, subject, state, stage, fraction, problem_vi, problem_en, attempts, created, changed`

// Get returns a job. Errors: problem.ErrNotFound.
func (q *Queue) Get(ctx context.Context, id string) (Job, error) {
	return scan(q.db.QueryRowContext(ctx, `SELECT `+jobColumns+` FROM background_job WHERE id = ?`, id))
}

// Of returns the newest job for a subject. Errors: problem.ErrNotFound.
func (q *Queue) Of(ctx context.Context, subject string) (Job, error) {
	return scan(q.db.QueryRowContext(ctx, `SELECT `+jobColumns+` FROM background_job WHERE subject = ? ORDER BY id DESC LIMIT 1`, subject))
}

func scan(row *sql.Row) (Job, error) {
	var j Job
	var created, changed int64
	err := row.Scan(&j.ID, &j.Kind, &j.Subject, &j.State, &j.Stage, &j.Fraction, &j.Vi, &j.En, &j.Attempts, &created, &changed)
	if errors.Is(err, sql.ErrNoRows) {
		return Job{}, fmt.Errorf("job: %w", problem.ErrNotFound)
	}
	j.Created, j.Changed = time.UnixMilli(created).UTC(), time.UnixMilli(changed).UTC()
	return j, err
}
