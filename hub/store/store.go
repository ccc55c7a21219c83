// Package store keeps the hub's records in SQLite: one file per domain package,
// one transaction per method. It implements the interfaces that domain packages
// declare and decides nothing: rules are theirs, rows are its own.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"time"

	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
	"github.com/pressly/goose/v3"
	"modernc.org/sqlite" // also registers the driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

//go:embed migrations/sqlite/*.sql
var migrations embed.FS

// DB is an open database: one connection that writes, a pool that reads.
type DB struct {
	file  string
	write *sql.DB
	read  *sql.DB
}

// Open opens the database file, makes it if it is missing, and brings it to the
// newest schema.
func Open(ctx context.Context, file string) (*DB, error) {
	write, err := sql.Open("sqlite", dsn(file, "_txlock=immediate"))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", file, err)
	}
	// SQLite has one writer; database/sql queues callers in order, where SQLite's
	// own busy handler would starve some.
	write.SetMaxOpenConns(1)
	if err := migrate(ctx, write); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", file, err), write.Close())
	}
	read, err := sql.Open("sqlite", dsn(file, "_pragma=query_only(1)"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", file, err), write.Close())
	}
	read.SetMaxOpenConns(8)
	return &DB{file: file, write: write, read: read}, nil
}

func dsn(file, extra string) string {
	return "file:" + (&url.URL{Path: file}).EscapedPath() +
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_pragma=busy_timeout(5000)&" + extra
}

// adoptEvents is the migration that is written in Go: hashes are not SQL's.
const adoptEvents = 41

func migrate(ctx context.Context, db *sql.DB) error {
	sub, err := fs.Sub(migrations, "migrations/sqlite")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, sub, goose.WithAllowOutofOrder(true),
		goose.WithGoMigrations(goose.NewGoMigration(adoptEvents, &goose.GoFunc{RunTx: adopt}, nil))) // areas have ranges of numbers
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// Snapshot writes the database as of one instant into a new file, while it is
// read and written.
func (db *DB) Snapshot(ctx context.Context, file string) error {
	// The pool of readers may not write anything, not even elsewhere.
	own, err := sql.Open("sqlite", dsn(db.file, ""))
	if err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	_, err = own.ExecContext(ctx, `VACUUM INTO ?`, file)
	if err = errors.Join(kind(err), own.Close()); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	return nil
}

// Close closes both pools.
func (db *DB) Close() error { return errors.Join(db.read.Close(), db.write.Close()) }

// Writer returns the one-connection pool that the job queue shares. Everybody
// else writes through WithTx.
func (db *DB) Writer() *sql.DB { return db.write }

// WithTx runs fn in the one write transaction. fn must not wait for anything but
// the database, nor use DB's other methods: the connection is its own.
func (db *DB) WithTx(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", kind(err))
	}
	if err := fn(tx); err != nil {
		if rb := tx.Rollback(); rb != nil && !errors.Is(rb, sql.ErrTxDone) {
			return errors.Join(kind(err), fmt.Errorf("roll back: %w", rb))
		}
		return kind(err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", kind(err))
	}
	return nil
}

// kind wraps what SQLite says in the sentinel that callers branch on.
func kind(err error) error {
	if err == nil || errors.Is(err, problem.ErrNotFound) || errors.Is(err, problem.ErrConflict) || errors.Is(err, problem.ErrFull) {
		return err
	}
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%w", problem.ErrNotFound)
	}
	var e *sqlite.Error
	if errors.As(err, &e) {
		switch e.Code() {
		case sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE:
			return fmt.Errorf("%w (%w)", problem.ErrConflict, err)
		case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_FSYNC:
			return fmt.Errorf("%w (%w)", problem.ErrFull, err)
		}
	}
	return err
}

// querier is a transaction or a pool.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// all scans every row of a query.
func all[T any](ctx context.Context, q querier, scan func(row) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, kind(err)
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, kind(rows.Err())
}

// one scans the single row of a query. Errors: problem.ErrNotFound.
func one[T any](ctx context.Context, q querier, scan func(row) (T, error), query string, args ...any) (T, error) {
	v, err := scan(q.QueryRowContext(ctx, query, args...))
	return v, kind(err)
}

// row is what Scan works on.
type row interface{ Scan(dest ...any) error }

func ms(t time.Time) int64 { return t.UnixMilli() }

// optMs is the column for an instant that may be missing.
func optMs(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

func fromMs(v int64) time.Time { return time.UnixMilli(v).UTC() }

func fromOptMs(v sql.NullInt64) time.Time {
	if !v.Valid {
		return time.Time{}
	}
	return fromMs(v.Int64)
}

// digest reads a digest's column.
func digest(b []byte) protocol.Digest {
	var d protocol.Digest
	copy(d[:], b)
	return d
}
