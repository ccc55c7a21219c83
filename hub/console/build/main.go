// Command build bundles the console: hub/console/src into hub/console/dist. It
// needs the packages of package-lock.json in node_modules, but no Node. It never
// touches dist/index.html, which is committed.
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

func main() {
	dir := flag.String("dir", "hub/console", "folder of the console")
	flag.Parse()
	out, err := build(*dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "console:", err)
		os.Exit(1)
	}
	for _, line := range out {
		fmt.Println(line)
	}
}

// errBundle: esbuild has refused; its messages are on standard error.
var errBundle = errors.New("not built")

// build writes dist and returns a line for each file with its sizes in bytes.
func build(dir string) ([]string, error) {
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "preact")); err != nil {
		return nil, fmt.Errorf("%w: run `npm ci` in %s first", errBundle, dir)
	}
	dist := filepath.Join(dir, "dist")
	if err := clean(dist); err != nil {
		return nil, err
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	r, err := bundle(abs)
	if err != nil {
		return nil, err
	}
	shell, err := os.ReadFile(filepath.Join(dir, "src", "app.html"))
	if err != nil {
		return nil, err
	}
	var lines, files []string
	for _, f := range r.OutputFiles {
		name := filepath.ToSlash(strings.TrimPrefix(f.Path, filepath.Join(abs, "dist")))
		if base := strings.TrimPrefix(name, "/assets/"); strings.HasPrefix(base, "main-") || strings.HasPrefix(base, "style-") {
			shell = bytes.ReplaceAll(shell, []byte("{{"+strings.TrimPrefix(filepath.Ext(name), ".")+"}}"), []byte(name))
		}
		line, err := write(dist, name, f.Contents)
		if err != nil {
			return nil, err
		}
		lines, files = append(lines, line), append(files, name)
	}
	if err := worker(dir, dist, files); err != nil {
		return nil, err
	}
	shell, err = preloaded(shell, r.Metafile)
	if err != nil {
		return nil, err
	}
	icon, err := os.ReadFile(filepath.Join(dir, "src", "icon.svg"))
	if err != nil {
		return nil, err
	}
	if _, err := write(dist, "icon.svg", icon); err != nil {
		return nil, err
	}
	line, err := write(dist, "app.html", shell)
	return append(lines, line), err
}

// entry is the script that the page asks for.
const entry = "src/main.tsx"

// bundle builds twice: the first time shows what the page needs before anything
// can be shown, the second time that is one file besides the entry and not ten.
// Each part is a wait of its own on a slow line.
func bundle(abs string) (api.BuildResult, error) {
	options := api.BuildOptions{
		AbsWorkingDir: abs, EntryPoints: []string{entry, "src/style.css"}, EntryNames: "assets/[name]-[hash]", ChunkNames: "assets/[name]-[hash]", Outdir: "dist", Splitting: true,
		Bundle: true, Format: api.FormatESModule, Target: api.ES2020, Platform: api.PlatformBrowser,
		MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true, Charset: api.CharsetUTF8,
		JSX: api.JSXAutomatic, JSXImportSource: "preact", LegalComments: api.LegalCommentsNone, LogLevel: api.LogLevelWarning, Metafile: true,
	}
	first := api.Build(options)
	if len(first.Errors) > 0 {
		return first, errBundle
	}
	core, later, err := divided(abs, first.Metafile)
	if err != nil {
		return first, err
	}
	// Every later part imports all of the core, so that its modules belong together.
	options.Plugins = []api.Plugin{{Name: "core", Setup: func(b api.PluginBuild) {
		b.OnLoad(api.OnLoadOptions{Filter: `\.tsx?$`}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
			name, err := filepath.Rel(abs, a.Path)
			if err != nil || !later[filepath.ToSlash(name)] {
				return api.OnLoadResult{}, err
			}
			text, err := os.ReadFile(a.Path)
			if err != nil {
				return api.OnLoadResult{}, err
			}
			contents := core + string(text)
			loader := api.LoaderTS
			if strings.HasSuffix(name, "x") {
				loader = api.LoaderTSX
			}
			return api.OnLoadResult{Contents: &contents, Loader: loader}, nil
		})
	}}}
	second := api.Build(options)
	if len(second.Errors) > 0 {
		return second, errBundle
	}
	return second, nil
}

// metafile is what esbuild tells of a build, as far as it matters here.
type metafile struct {
	Inputs map[string]struct {
		Imports []link `json:"imports"`
	} `json:"inputs"`
	Outputs map[string]struct {
		EntryPoint string `json:"entryPoint"`
		Imports    []link `json:"imports"`
	} `json:"outputs"`
}

type link struct {
	Path string `json:"path"`
	Kind string `json:"kind"`
}

// divided returns import lines for the modules that the entry needs at once, and
// the modules that are loaded later.
func divided(abs, text string) (core string, later map[string]bool, err error) {
	var meta metafile
	if err := json.Unmarshal([]byte(text), &meta); err != nil {
		return "", nil, err
	}
	later = map[string]bool{}
	for _, in := range meta.Inputs {
		for _, i := range in.Imports {
			if i.Kind == "dynamic-import" {
				later[i.Path] = true
			}
		}
	}
	var modules []string
	seen := map[string]bool{}
	var follow func(name string)
	follow = func(name string) {
		if seen[name] {
			return
		}
		seen[name] = true
		for _, i := range meta.Inputs[name].Imports {
			if i.Kind == "import-statement" {
				follow(i.Path)
			}
		}
		if strings.HasPrefix(name, "src/") && name != entry {
			delete(later, name)
			modules = append(modules, name)
		}
	}
	follow(entry)
	var lines strings.Builder
	for _, m := range modules {
		fmt.Fprintf(&lines, "import %q;", filepath.Join(abs, filepath.FromSlash(m)))
	}
	return lines.String(), later, nil
}

// worker writes the service worker with the list of files that it keeps.
func worker(dir, dist string, files []string) error {
	text, err := os.ReadFile(filepath.Join(dir, "src", "sw.js"))
	if err != nil {
		return err
	}
	list, err := json.Marshal(files)
	if err != nil {
		return err
	}
	// The names hold their content's hash, so a new build has a new list.
	sum := sha256.Sum256(list)
	text = bytes.ReplaceAll(text, []byte("{{files}}"), list)
	text = bytes.ReplaceAll(text, []byte("{{version}}"), []byte(hex.EncodeToString(sum[:6])))
	_, err = write(dist, "sw.js", text)
	return err
}

// preloaded names in the page's head what the first script imports, so that it
// comes at once and not one after the other.
func preloaded(shell []byte, text string) ([]byte, error) {
	var meta metafile
	if err := json.Unmarshal([]byte(text), &meta); err != nil {
		return nil, err
	}
	var links strings.Builder
	for _, out := range meta.Outputs {
		if out.EntryPoint != entry {
			continue
		}
		for _, i := range out.Imports {
			if i.Kind == "import-statement" {
				fmt.Fprintf(&links, "<link rel=\"modulepreload\" href=\"/%s\">\n", strings.TrimPrefix(i.Path, "dist/"))
			}
		}
	}
	return bytes.ReplaceAll(shell, []byte("{{preload}}"), []byte(links.String())), nil
}

// clean removes what an earlier build has written.
func clean(dist string) error {
	entries, err := os.ReadDir(dist)
	if errors.Is(err, fs.ErrNotExist) {
		return os.MkdirAll(dist, 0o755)
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == "index.html" {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dist, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// write writes a file and the same packed, and returns both sizes.
func write(dist, name string, data []byte) (string, error) {
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err := z.Write(data); err != nil {
		return "", err
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	file := filepath.Join(dist, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return "", err
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		return "", err
	}
	if err := os.WriteFile(file+".gz", packed.Bytes(), 0o644); err != nil {
		return "", err
	}
	return fmt.Sprintf("%-34s %7d B %7d B gzip", strings.TrimPrefix(name, "/"), len(data), packed.Len()), nil
}
