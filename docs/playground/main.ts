/** Playground. Starts the page: the core in its worker, and the application around it. */
import { App } from './app.js';
import { CoreClient } from './core/client.js';

const beside = (name: string): URL => new URL(name, import.meta.url);

const app = new App(new CoreClient(beside('worker.js'), beside('wasbox-core.wasm')));
void app.start();
