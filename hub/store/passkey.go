package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/audit"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
)

// AddPasskey implements account.PasskeyStore.
func (a *Accounts) AddPasskey(ctx context.Context, p account.Passkey, c audit.Act) error {
	return a.db.WithTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO passkey (id, person, name, credential, public, synced, counter, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			p.Handle, p.Person, p.Name, p.ID, p.Key.Public, p.Synced, p.Counter, ms(p.Created)); err != nil {
			return fmt.Errorf("add passkey: %w", kind(err))
		}
		return record(ctx, tx, c)
	})
}

func scanPasskey(r row) (account.Passkey, error) {
	p := account.Passkey{Credential: account.Credential{Key: protocol.Key{Kind: protocol.KeyPasskey}}}
	var created int64
	var confirmed, revoked sql.NullInt64
	err := r.Scan(&p.Handle, &p.Person, &p.Name, &p.ID, &p.Key.Public, &p.Synced, &p.Counter, &created, &confirmed, &revoked, &p.LogIn)
	p.Created, p.Confirmed, p.Revoked = fromMs(created), fromOptMs(confirmed), fromOptMs(revoked)
	return p, err
}

const passkeyColumns = `SELECT id, person, name, credential, public, synced, counter, created, confirmed, revoked, log_in FROM passkey`

// Passkeys implements account.PasskeyStore.
func (a *Accounts) Passkeys(ctx context.Context, person protocol.PersonID) ([]account.Passkey, error) {
	return all(ctx, a.db.read, scanPasskey, passkeyColumns+` WHERE ? IN ('', person) ORDER BY created, id`, person)
}

// PasskeyByCredential implements account.PasskeyStore.
func (a *Accounts) PasskeyByCredential(ctx context.Context, credential []byte) (account.Passkey, error) {
	return one(ctx, a.db.read, scanPasskey, passkeyColumns+` WHERE credential = ?`, credential)
}

// SetPasskeyLogIn implements account.PasskeyStore.
func (a *Accounts) SetPasskeyLogIn(ctx context.Context, handle string, on bool, codes [][32]byte, c audit.Act) error {
	return a.db.WithTx(ctx, func(tx *sql.Tx) error {
		if err := hit(tx.ExecContext(ctx, `UPDATE passkey SET log_in = ? WHERE id = ?`, on, handle)); err != nil {
			return fmt.Errorf("set passkey: %w", err)
		}
		if err := addRecovery(ctx, tx, c.About, codes); err != nil {
			return err
		}
		return record(ctx, tx, c)
	})
}

// addRecovery replaces somebody's recovery codes; none leaves them.
func addRecovery(ctx context.Context, tx *sql.Tx, person protocol.PersonID, codes [][32]byte) error {
	if len(codes) == 0 {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM recovery_code WHERE person = ?`, person); err != nil {
		return err
	}
	for _, c := range codes {
		if _, err := tx.ExecContext(ctx, `INSERT INTO recovery_code (person, hash) VALUES (?, ?)`, person, c[:]); err != nil {
			return err
		}
	}
	return nil
}

// SetPasskey implements account.PasskeyStore.
func (a *Accounts) SetPasskey(ctx context.Context, p account.Passkey, lists []registry.Document, c audit.Act) error {
	return a.db.WithTx(ctx, func(tx *sql.Tx) error {
		if err := hit(tx.ExecContext(ctx, `UPDATE passkey SET confirmed = ?, revoked = ? WHERE id = ?`, optMs(p.Confirmed), optMs(p.Revoked), p.Handle)); err != nil {
			return fmt.Errorf("set passkey: %w", err)
		}
		if err := addDocuments(ctx, tx, lists); err != nil {
			return err
		}
		return record(ctx, tx, c)
	})
}

// SetCounter implements account.PasskeyStore.
func (a *Accounts) SetCounter(ctx context.Context, handle string, counter uint32) error {
	return a.db.WithTx(ctx, func(tx *sql.Tx) error {
		return hit(tx.ExecContext(ctx, `UPDATE passkey SET counter = ? WHERE id = ?`, counter, handle))
	})
}

// AddLists implements account.PasskeyStore.
func (a *Accounts) AddLists(ctx context.Context, lists []registry.Document, c audit.Act) error {
	return a.db.WithTx(ctx, func(tx *sql.Tx) error {
		if err := addDocuments(ctx, tx, lists); err != nil {
			return err
		}
		return record(ctx, tx, c)
	})
}
