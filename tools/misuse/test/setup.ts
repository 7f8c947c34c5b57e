import { setUpAdapter } from "@bn/gpu-setup";

await setUpAdapter();
