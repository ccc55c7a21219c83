package e2e

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/backup"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/config"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
)

// watched puts a script in the place of a program, which notes what everybody on
// the machine sees of it, and then is that program.
func watched(t *testing.T, dir, name string) string {
	t.Helper()
	program, err := exec.LookPath(name)
	must(t, err)
	file := filepath.Join(dir, name)
	script := fmt.Sprintf("#!/bin/sh\n{ tr '\\0' '\\n' </proc/$$/environ; tr '\\0' '\\n' </proc/$$/cmdline; } >>%s/seen\nexec %s \"$@\"\n", dir, program)
	must(t, os.WriteFile(file, []byte(script), 0o700)) //nolint:gosec // a program
	return file
}

// What is secret stands in no log, in no answer of the API, in no process list and
// in no backup but where it belongs.
func TestSecretsStayWhereTheyBelong(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("LOA_SECRET_OF_THE_ENVIRONMENT", "bi mat trong moi truong") // as a service may be given one
	w := newWorld(t, func(c *config.Config) {
		c.Studio.FFmpeg, c.Studio.FFprobe, c.Studio.Espeak = watched(t, dir, "ffmpeg"), watched(t, dir, "ffprobe"), watched(t, dir, "espeak-ng")
	})
	r := &roles{world: w, clients: map[string]*caller{}, made: map[string]target{}}
	var all []account.Grant
	for _, role := range account.Roles() {
		all = append(all, account.Grant{Unit: commune, Role: role})
	}
	r.person("top", all...)
	r.person("subject", account.Grant{Unit: commune, Role: account.Editor})
	r.top = w.caller("top")
	r.clients["top"] = r.top
	n := speaker("loa-dong", "thon-dong", 1000)
	_, err := w.Registry.AddDevice(t.Context(), registry.NewDevice{ID: "bang-dong", Name: "Bảng", Unit: commune, Board: &protocol.Display{Width: 192, Height: 32, Row: 16}}, registrar, "quantri")
	must(t, err)
	d := w.device(n)
	w.online(d)

	secrets := map[string]string{
		"a password": password, "the registrar's password": registrar, "the roots' password": "mat khau cua khoa goc",
		"the environment's": "bi mat trong moi truong", "a hash of a password": "$argon2id$",
	}
	claim, err := w.Base.Enrol.Claim(t.Context(), n.ID, "quantri")
	must(t, err)
	secrets["a claim"] = strings.Split(claim.Text, ".")[1]
	var token struct{ Secret string }
	_, text := r.top.do(http.MethodPost, "/tokens", `{"name":"x","days":1}`, "application/json")
	must(t, json.Unmarshal([]byte(text), &token))
	secrets["a token"] = token.Secret
	var app struct{ Secret string }
	_, text = w.caller("subject").do(http.MethodPost, "/second-factor", "", "")
	must(t, json.Unmarshal([]byte(text), &app))
	secrets["a second factor"] = app.Secret
	base, err := url.Parse(r.top.url)
	must(t, err)
	secrets["a session"] = r.top.jar.Jar.Cookies(base)[0].Value
	for name, s := range secrets {
		if len(s) < 8 {
			t.Fatalf("%s is %q: this test sees nothing", name, s)
		}
	}
	// Keys of the hub, as they lie in its files.
	keys := map[string]string{}
	for _, file := range []string{"keys/hub.key", "keys/registrar.key", "keys/seal.key", "ca/ca.key"} {
		lines := strings.Split(string(readAll(t, filepath.Join(w.config.Data, file))), "\n")
		i := slices.IndexFunc(lines, func(l string) bool { return len(l) > 30 && !strings.Contains(l, "-") && !strings.Contains(l, ":") })
		keys[file] = lines[i]
	}
	absent := func(where, text string, of ...map[string]string) {
		t.Helper()
		for _, set := range of {
			for name, s := range set {
				if strings.Contains(text, s) {
					t.Errorf("%s shows %s", where, name)
				}
			}
		}
	}

	b := w.ready(spokenText(1))
	r.bulletin, r.submitted = string(b.ID), w.air(b, bulletin.Wish{When: bulletin.Now}, "duyet1").Digest.String()
	w.settled(b, 1)
	r.other, r.airing, r.upload = r.bulletin, string(w.airing(b)), r.top.got("digest", http.MethodPost, "/uploads", "x", "application/octet-stream")
	r.objects = r.kinds(nil)
	res, err := http.Get(r.top.url + "/api/openapi.json")
	must(t, err)
	must(t, json.NewDecoder(res.Body).Decode(&r.doc))
	must(t, res.Body.Close())
	answers := 0
	for _, path := range slices.Sorted(maps.Keys(r.doc.Paths)) {
		op, ok := r.doc.Paths[path]["get"]
		if !ok || op.OperationID == "events" || op.OperationID == "get-growing-sound" { // without end
			continue
		}
		at, _, _ := r.request("get", path, op, "top")
		if status, text := r.top.do(http.MethodGet, at, "", ""); status == http.StatusOK {
			absent("GET "+at, text, secrets, keys)
			answers++
		}
	}
	if answers < 45 {
		t.Errorf("only %d answers were read", answers)
	}

	seen := string(readAll(t, filepath.Join(dir, "seen")))
	for _, program := range []string{"ffmpeg", "ffprobe", "espeak-ng"} {
		if !strings.Contains(seen, filepath.Join(dir, program)) {
			t.Errorf("%s was not looked at", program)
		}
	}
	absent("the process list", seen, secrets, keys)
	absent("the log", w.log.String(), secrets, keys)

	// A backup that is not encrypted holds the hub's own keys, each in its file, and
	// nothing else that is secret: what people know, devices bring, and browsers hold.
	archive := w.backedUp(nil)
	delete(secrets, "a hash of a password") // it is what the database is for
	held := map[string]bool{}
	for name, content := range archive {
		absent("the backup's "+name, content, secrets)
		for file, key := range keys {
			if strings.Contains(content, key) {
				held[file] = true
				if name != file {
					t.Errorf("the backup's %s holds the key of %s", name, file)
				}
			}
		}
	}
	if len(archive) < 6 || len(held) != len(keys) {
		t.Errorf("%d files, keys %v: this test sees nothing", len(archive), held)
	}
	lock, err := backup.ForPassphrase(filepath.Join(dir, "locked"), "mat khau cua ban sao luu")
	must(t, err)
	secrets["its passphrase"] = "mat khau cua ban sao luu"
	for name, content := range w.backedUp(lock) {
		absent("the encrypted backup's "+name, content, secrets, keys)
	}
}

// backedUp returns the files of a backup.
func (w *world) backedUp(lock *backup.Lock) map[string]string {
	w.t.Helper()
	c, dest := w.config, w.t.TempDir()
	if lock != nil {
		dest = filepath.Join(dest, "locked")
	}
	report, err := backup.Write(w.t.Context(), backup.Options{
		Folders: backup.Folders{Data: c.Data, Database: c.Database(), Keys: c.KeyDir(), CA: c.CADir(), Blobs: c.BlobDir()},
		Dest:    dest, Snapshot: w.DB.Snapshot, Lock: lock, Now: time.Now(),
	})
	must(w.t, err)
	out := map[string]string{}
	must(w.t, filepath.WalkDir(dest, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() && path != report.Archive {
			out[path] = string(readAll(w.t, path))
		}
		return err
	}))
	whole := readAll(w.t, report.Archive)
	if lock != nil {
		out[report.Archive] = string(whole)
		return out
	}
	for files := tar.NewReader(bytes.NewReader(whole)); ; {
		h, err := files.Next()
		if err != nil {
			return out
		}
		content, err := io.ReadAll(files)
		must(w.t, err)
		out[h.Name] = string(content)
	}
}
